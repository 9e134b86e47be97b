"""The console's pages: what people click, rendered here, done by the management API's own routes.

How to add one:

1. A module here with handlers `async def show_x(visit: Visit) -> Answer` and a tuple `PAGES`; one line in `table.py`.

       async def show_policies(visit: Visit) -> Answer:
           found = await visit.call("listPolicies", query={"limit": "25"})     # a route, by its name
           if isinstance(found, Problem):
               return found                                                     # shown for what it is
           return View("policies.html", {"items": found.items})

       PAGES: Final = (
           Page(path="/policies", get=show_policies, action="policy.read", nav=Nav("Keys", "Policies", "rules", 40)),
           Page(path="/policies/{policy}/delete", get=show_delete, post=take_delete, action="policy.write"),
       )

2. **A page never touches stores, neighbours or the clock.** `visit.call(name, path=, query=, body=)` goes through the
   API's dispatch as the session of the cookie: role, scope, freshness, rate limits and the audit row exist there, once.
   It returns the route's answer struct, None (204) or a `Problem`. `visit.may(action)` is only for leaving out buttons.
3. **Answers**: `View(template, context, status)`, `Go(path, toast)` after a form was taken (toasts have names: `toasts.py`),
   `Bytes` for JSON and downloads, or a `Problem`. What becomes of problems by itself (`answering.py`): `stale-factor` asks
   for the factor in a dialogue and then takes the same form again, `not-signed-in` leads to the sign-in and back,
   everything else is a page or dialogue that says it. For refusals beside the form: show your form again with
   `problem=` and `errors=field_errors(problem)` (see `key_forms.py`), status of the problem.
4. **Templates** in `../templates` extend `layout.html`; `{% import "ui.html" as ui with context %}` has the parts:
   `ui.form(action)`, `ui.field(name, label, …)`, `ui.area`, `ui.select`, `ui.check`, `ui.badge`, `ui.empty`, `ui.failed`,
   `ui.dialog_link(href, text)`, `ui.copy(value)`, `ui.secret(value, …)`, `ui.alert`, `ui.countdown`, `ui.icon(name)`; all
   text is escaped, never use `|safe`. No inline script, style or `style=`: the policy of `door.py` blocks them.
5. **Dialogues are pages**: `/things/new` is a page with `<section id="panel">`; `ui.dialog_link` opens that part in the
   dialogue where there is JavaScript and the page where there is none. Forms by `ui.form` answer into the dialogue.
   Lists: `<form method="get" … hx-select="#list">` and `<div id="list">`, as `keys.html` does; search works without script.
6. **Dangerous**: a GET page that says what will happen, a POST that does it. `Page(fresh=True)` asks for the factor before
   the page is shown: for forms with secrets in them. Secrets: `ui.secret`, once, in the answer to a POST, never in a URL.
7. **Script**: a module in `frontend/src`, imported by `app.ts`, found by a `data-…` attribute; big libraries become an
   entry of their own (`frontend/build.mjs`), loaded by a block `scripts` of the template with `asset("market.js")`.
8. **Tests**: `tests/support/console_pages.py` (`PagesConsole`: pages over real people in memory: `.get`, `.post`, `.signed_in`)
   for handlers; `tests/support/browser.py` and `tests/e2e/console/pages` for Chromium (marker `browser`).
   Every page of the table is looked at by axe, without script, with planted texts, and by keyboard: give a new parameter
   of a path its value in `FurnishedHome.at` (`tests/support/furnished_home.py`), and a new form a way in `test_by_keyboard.py`.
9. **By keyboard**: dialogues find their first field, keep the focus and give it back (`dialog.ts`); what htmx swaps keeps the
   focus where it was (`focus.ts`); lists say what a search found, toasts are read out (`telling.ts`). Put `autofocus` on one
   element at most; a select with `data-submits` needs a button `data-no-script` beside it.
"""
