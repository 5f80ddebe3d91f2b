"""The dashboard: pages made on the server, over the same queries and commands as the API's.

How to add a page:

1. A handler `async def show(visit: PageContext) -> web.StreamResponse` in a module here.
   `visit.context` is what the API's handlers get: ask `access` for what the page is about, the read
   model for its rows, and call the nouns' commands. It ends with `visit.page("name.html",
   title=...)`; after a form, with `visit.to("/path")`. A form's fields come from
   `await visit.form()`.
2. A template in templates/ that extends base.html and fills `content`. Pictures, badges, tables'
   pagers and the hidden field of forms are macros in parts.html. No style attributes and no inline
   scripts: the browser is told to ignore them.
3. A line in the table of pages.py. Who may not see something gets 403 or 404 by raising Rejected.
4. To be live: give `visit.page(..., live=...)` an address of live.py and mark what may change with
   `data-part="some-id"`; when something has happened the browser fetches the page and swaps the
   parts that differ.

Everything has to work without scripts, except being live.
"""
