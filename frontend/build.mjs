// Builds what the browser runs into the Python package. No watcher, no server: `make` runs it.
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const target = path.join(here, "../src/watchword/entrypoints/console/static");

// One entry for every page, and one for each page with a library of its own.
const entries = ["app.ts", "app.css", "keygen.ts", "estimator.ts", "market.ts", "portfolio.ts"];

// Built beside, then moved over: a console that starts meanwhile finds the old files or the new ones, never none.
const fresh = `${target}.${process.pid}`;
await build({
  entryPoints: entries.map((name) => path.join(here, "src", name)),
  outdir: fresh,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox125", "safari17.5"],
  legalComments: "inline",
  logLevel: "warning",
});
await cp(path.join(here, "public"), fresh, { recursive: true });
await mkdir(target, { recursive: true });
const built = await readdir(fresh);
for (const name of built) {
  await rename(path.join(fresh, name), path.join(target, name));
}
for (const name of await readdir(target)) {
  if (!built.includes(name)) {
    await rm(path.join(target, name));
  }
}
await rm(fresh, { recursive: true });
