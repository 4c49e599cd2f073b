/** Style of the report: one column, for phone, desktop, dark mode and print. Pure. */

const LIGHT = `
  color-scheme: light;
  --page: #f6f5f2; --card: #ffffff; --line: #dedcd5; --text: #22252a; --quiet: #5a5f66;
  --log: #f0eee9;
  --met: #17663a; --met-soft: #e2f1e7;
  --unmet: #a1232c; --unmet-soft: #fbe9e8;
  --warning: #7a4f00; --warning-soft: #faeed3;
  --skipped: #565b62; --skipped-soft: #ebeae6;`;

const DARK = `
  color-scheme: dark;
  --page: #141619; --card: #1c1f23; --line: #33373d; --text: #e7e6e2; --quiet: #a5abb3;
  --log: #101215;
  --met: #86d8a6; --met-soft: #173022;
  --unmet: #ffa39d; --unmet-soft: #33191b;
  --warning: #f0c878; --warning-soft: #342a10;
  --skipped: #b4b9c0; --skipped-soft: #2a2d32;`;

export const REPORT_STYLE = `
:root {${LIGHT}
}
@media (prefers-color-scheme: dark) { :root {${DARK}
} }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
main, header, footer { max-width: 58rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
footer { padding-top: 2.5rem; padding-bottom: 3rem; color: var(--quiet); font-size: .875rem; }
h1, h2, h3, p, ul, dl, dd, figure, pre { margin: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { font-size: 1.125rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
ul { padding: 0; list-style: none; }
code, pre, .id { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; }
.quiet { color: var(--quiet); font-weight: normal; }
.place { color: var(--quiet); font-size: .875rem; margin-bottom: .25rem; }

.verdict { margin-top: 1.25rem; padding: 1rem 1.25rem; border-radius: .75rem; background: var(--soft); }
.verdict .line { display: flex; align-items: center; gap: .6rem; margin: 0; font-size: 1.375rem; line-height: 1.3; color: var(--tone); }
.verdict p { margin-top: .25rem; }
.verdict details { margin: .5rem 0 0; }
.verdict summary, .verdict pre { padding-left: 0; padding-right: 0; }
.verdict summary { color: var(--tone); }
.verdict .fault { margin-top: .75rem; white-space: pre-wrap; }
.met { --tone: var(--met); --soft: var(--met-soft); }
.unmet, .unknown { --tone: var(--unmet); --soft: var(--unmet-soft); }
.warning { --tone: var(--warning); --soft: var(--warning-soft); }
.skipped { --tone: var(--skipped); --soft: var(--skipped-soft); }
svg { flex: none; width: 1em; height: 1em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.badge {
  justify-self: start; display: inline-flex; align-items: center; gap: .35em; padding: .1em .6em .1em .5em; border-radius: 1em;
  background: var(--soft); color: var(--tone); font-size: .8125rem; font-weight: 600; white-space: nowrap;
}

.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.fix { padding: 1rem 1.25rem; border-left: .3rem solid var(--tone); }
.fix + .fix { margin-top: .75rem; }
.fix h3 { display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .75rem; margin: 0 0 .6rem; font-size: 1.0625rem; }
.fix h3 .id { font-size: 1em; }
.fix dl { display: grid; grid-template-columns: 6rem minmax(0, 1fr); gap: .35rem .75rem; }
.fix dt { color: var(--quiet); }
.fix dd { white-space: pre-wrap; }
.fix .remedy { font-weight: 600; }

figure { padding: .5rem; }
figure + figure { margin-top: 1rem; }
figure img { display: block; width: 100%; height: auto; border-radius: .4rem; background: #000; }
figcaption { padding: .6rem .5rem .25rem; color: var(--quiet); font-size: .875rem; }
.none { padding: 1rem 1.25rem; color: var(--quiet); }
.none h3 { display: inline; margin: 0 .35rem 0 0; color: var(--text); }
* + .none { margin-top: .75rem; }

.checks > li { display: grid; grid-template-columns: 6.75rem 10rem minmax(0, 1fr); gap: .25rem 1rem; align-items: baseline; padding: .65rem 1rem; }
.checks > li + li { border-top: 1px solid var(--line); }
.checks .id { font-weight: 600; }
.checks .words { white-space: pre-wrap; }
.checks .need { display: block; color: var(--quiet); font-size: .875rem; }

.versions { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; padding: .9rem 1.25rem; }
.versions dt { color: var(--quiet); font-size: .875rem; }
.versions dd { font-weight: 600; }
details { margin-top: .75rem; }
summary { padding: .75rem 1.25rem; border-radius: .75rem; cursor: pointer; }
summary h3 { display: inline; font-size: 1rem; margin: 0; }
summary .quiet { font-size: .875rem; }
summary:focus-visible, .scroll:focus-visible { outline: .2rem solid var(--tone, var(--quiet)); outline-offset: .1rem; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
caption, .note { padding: 0 1.25rem .75rem; color: var(--quiet); font-size: .875rem; text-align: left; }
th, td { padding: .35rem 1.25rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: normal; }
th { width: 40%; color: var(--quiet); }
td { padding-left: 0; white-space: pre-wrap; }

/* A reversed column starts at its end, so that a log shows its last lines. */
.scroll { display: flex; flex-direction: column-reverse; max-height: 26rem; overflow: auto; background: var(--log); border-top: 1px solid var(--line); border-radius: 0 0 .75rem .75rem; }
pre { padding: .9rem 1.25rem; line-height: 1.5; font-size: .8125rem; white-space: pre-wrap; }

@media (max-width: 40rem) {
  header { padding-top: 1.25rem; }
  .verdict, .fix { padding: .9rem 1rem; }
  .verdict .line { align-items: baseline; font-size: 1.1875rem; }
  .verdict .line svg { transform: translateY(.1em); }
  .fix dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .fix dd + dt { margin-top: .5rem; }
  .checks > li { grid-template-columns: max-content minmax(0, 1fr); }
  .checks .words { grid-column: 1 / -1; }
  summary, caption, .note, pre, .none, .versions { padding-left: 1rem; padding-right: 1rem; }
  th, td { padding-left: 1rem; padding-right: 1rem; }
  td { padding-left: 0; }
}
@media print {
  :root {${LIGHT}
    --page: #ffffff;
  }
  body { font-size: .8125rem; }
  .card, .verdict { break-inside: avoid; }
  details.card, .checks { break-inside: auto; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .scroll { display: block; max-height: none; }
}
`;
