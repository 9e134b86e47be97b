// Builds what the browser runs into the Python package. No watcher, no server: `make` runs it.
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const target = path.join(here, "../src/watchword/entrypoints/console/static");

// One entry for every page, and one for each page with a library of its own.
const entries = ["app.ts", "app.css", "keygen.ts", "estimator.ts", "market.ts", "portfolio.ts"];

await mkdir(target, { recursive: true });
for (const name of await readdir(target)) {
  await rm(path.join(target, name));
}
await build({
  entryPoints: entries.map((name) => path.join(here, "src", name)),
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox125", "safari17.5"],
  legalComments: "inline",
  logLevel: "warning",
});
await cp(path.join(here, "public"), target, { recursive: true });
