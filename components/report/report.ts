/** The evidence as one self-contained HTML page. Pure: the same evidence gives the same bytes. */
import { createHash } from "node:crypto";
import { isMet, Tier, Verdict } from "../../core/verdict";
import { count, Evidence, EvidencePicture, failing, Log, warnings } from "./evidence";
import { factRows } from "./factRows";
import { Html, markup } from "../../core/html";
import { shortened, tail } from "../../core/plainText";
import { REPORT_STYLE } from "./reportStyle";

/** Limits of a page, because a guest controls the texts in it. */
const MAX = {
  /** Characters of one text. */
  words: 3000,
  verdicts: 200,
  /** Bytes of a picture; the page only names the file of a larger one. */
  picture: 8 * 1024 * 1024,
  logLines: 200,
  logChars: 65_536,
} as const;

/** The page runs no script and loads nothing from outside. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(REPORT_STYLE).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const TIERS: readonly (readonly [Tier, title: string])[] = [
  ["boot", "Boot"],
  ["graphics", "Graphics"],
  ["session", "Session"],
];

/** Colour and icon only repeat the word. */
type Tone = Verdict["status"] | "warning";
const STROKES: Readonly<Record<Tone, string>> = {
  met: "M3 8.5l3.5 3.5L13 4.5",
  unmet: "M4 4l8 8M12 4l-8 8",
  unknown: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.6 8 9 8 9.8M8 12.8v.1",
  warning: "M8 2.5v7M8 13.2v.1",
  skipped: "M3.5 8h9",
};
const toneOf = (v: Verdict): Tone => (!isMet(v) && !v.fatal ? "warning" : v.status);
const icon = (tone: Tone): Html =>
  markup`<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${STROKES[tone]}"/></svg>`;

function badge(v: Verdict): Html {
  const tone = toneOf(v);
  return markup`<span class="badge ${tone}">${icon(tone)}${tone}</span>`;
}

const words = (text: string): string => shortened(text, MAX.words);

/** `2026-11-25 16:14:28 UTC` */
const when = (iso: string): Html =>
  markup`<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")} UTC</time>`;

const RUNS_ON = {
  kvm: "under KVM",
  tcg: "under TCG, QEMU's translator: many times slower than KVM",
} as const;

function headline({ ready, verdicts }: Evidence): { tone: Tone; text: string } {
  const warned = warnings(verdicts).length;
  const and = warned === 0 ? "" : `, ${warned} ${warned === 1 ? "warning" : "warnings"}`;
  if (ready) return { tone: "met", text: `Ready: ${count(verdicts)}${and}` };
  const what = verdicts.length === 0 ? "the guest did not answer" : count(verdicts);
  return { tone: "unmet", text: `Not ready: ${what}${and}` };
}

/** The fault that ended the look: its first line, and the rest on demand. */
function fault(text: string): Html {
  const [first = "", ...rest] = text.trim().split("\n");
  const more = tail(rest.join("\n"), MAX.logLines, MAX.words).text;
  const whole = markup`<details><summary>More of the message</summary><pre>${more}</pre></details>`;
  return markup`<p class="fault">${words(first)}</p>${more === "" ? undefined : whole}`;
}

function top(evidence: Evidence): Html {
  const { tone, text } = headline(evidence);
  return markup`<header>
<p class="place">Guest of the lab ${evidence.stack}, domain ${evidence.domain}</p>
<h1>${evidence.guest}</h1>
<div class="verdict ${tone}">
<p class="line">${icon(tone)}<strong>${text}</strong></p>
<p>${when(evidence.time)}, ${RUNS_ON[evidence.acceleration]}</p>
${evidence.fault === undefined ? undefined : fault(evidence.fault)}
</div>
</header>`;
}

function fix(v: Verdict): Html {
  return markup`<li class="card fix ${toneOf(v)}">
<h3><span class="id">${words(v.id)}</span> ${badge(v)}</h3>
<dl>
<dt>Found</dt><dd class="found">${words(v.found)}</dd>
<dt>Need</dt><dd class="required">${words(v.required)}</dd>
<dt>Fix</dt><dd class="remedy">${words(v.remedy)}</dd>
<dt>More</dt><dd><code>docs/checks.md#${words(v.id)}</code></dd>
</dl>
</li>`;
}

function fixes(title: string, verdicts: readonly Verdict[]): Html | undefined {
  if (verdicts.length === 0) return undefined;
  const list = verdicts.slice(0, MAX.verdicts).map(fix);
  return markup`<section><h2>${title}</h2>
<ul>
${list}
</ul>
</section>`;
}

function pictureOf({ title, time, png, file }: EvidencePicture): Html {
  const caption = markup`<figcaption>${title}, ${when(time)}; file <code>${file}</code></figcaption>`;
  if (png.length > MAX.picture) {
    const size = `${(png.length / 1_048_576).toFixed(1)} MiB`;
    return markup`<figure class="card"><p class="none">Not shown: the picture has ${size}.</p>${caption}</figure>`;
  }
  const data = `data:image/png;base64,${png.toString("base64")}`;
  return markup`<figure class="card"><img src="${new Html(data)}" alt="${title} of the guest">${caption}</figure>`;
}

function pictures(evidence: Evidence): Html {
  const none = markup`<p class="card none">No picture: the look ended before one was taken.</p>`;
  return markup`<section><h2>Picture</h2>
${evidence.pictures.length === 0 ? none : evidence.pictures.map(pictureOf)}
</section>`;
}

function check(v: Verdict): Html {
  return markup`<li>${badge(v)}<span class="id">${words(v.id)}</span>
<span class="words">${words(v.found)}<span class="need">need: ${words(v.required)}</span></span></li>`;
}

function checks(all: readonly Verdict[]): Html | undefined {
  if (all.length === 0) return undefined;
  const shown = all.slice(0, MAX.verdicts);
  const tiers = TIERS.flatMap(([tier, title]) => {
    const own = shown.filter((v) => v.tier === tier);
    if (own.length === 0) return [];
    return markup`<h3>${title} <span class="quiet">${count(own)}</span></h3>
<ul class="card checks">
${own.map(check)}
</ul>`;
  });
  const cut = markup`<p class="note">The first ${MAX.verdicts} of ${all.length}; <code>facts.json</code> has all.</p>`;
  return markup`<section><h2>All checks</h2>
${tiers}
${all.length > MAX.verdicts ? cut : undefined}
</section>`;
}

function facts(evidence: Evidence): Html {
  const versions = Object.entries(evidence.versions).map(
    ([name, version]) => markup`<div><dt>${words(name)}</dt><dd>${words(version)}</dd></div>`,
  );
  const list = markup`<dl class="card versions">${versions}</dl>`;
  const { rows, cut } = factRows(evidence.facts);
  const lines = rows.map(
    ([path, value]) => markup`<tr><th scope="row">${path}</th><td>${value}</td></tr>`,
  );
  const where = cut ? "Shortened; complete in" : "The same as data:";
  const table = markup`<details class="card">
<summary><h3>Facts</h3> <span class="quiet">${rows.length} values from the guest</span></summary>
<table><caption>${where} <code>facts.json</code></caption>
<tbody>
${lines}
</tbody></table>
</details>`;
  return markup`<section><h2>Versions and facts</h2>
${versions.length === 0 ? undefined : list}
${rows.length === 0 ? markup`<p class="card none">The guest reported no facts.</p>` : table}
</section>`;
}

function log(title: string, kept: Log, open: boolean): Html {
  const end = "text" in kept ? tail(kept.text, MAX.logLines, MAX.logChars) : undefined;
  if (end === undefined || end.lines === 0) {
    const why = "missing" in kept ? kept.missing : "The log is empty.";
    return markup`<div class="card none"><h3>${title}</h3> ${words(why)}</div>`;
  }
  const lines = `${end.lines} ${end.lines === 1 ? "line" : "lines"}`;
  const cut = markup`<p class="note">Shortened; complete log: ${kept.whole}</p>`;
  return markup`<details class="card"${open ? markup` open` : undefined}>
<summary><h3>${title}</h3> <span class="quiet">${end.cut ? `the last ${lines}` : lines}</span></summary>
${end.cut ? cut : undefined}
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><pre>${end.text}</pre></div>
</details>`;
}

/** The page; the most urgent parts come first. */
export function report(evidence: Evidence): string {
  const { guest, stack, ready, verdicts } = evidence;
  const unmet = failing(verdicts);
  // Open the log that probably has the reason.
  const inSession = unmet.some((v) => v.tier === "session");
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${guest}: ${ready ? "ready" : "not ready"} (mirlab, ${stack})</title>
<style>${new Html(REPORT_STYLE)}</style>
</head>
<body>
${top(evidence)}
<main>
${fixes("Unmet checks", unmet)}
${fixes(ready ? "Warnings" : "Warnings (they do not fail the deploy)", warnings(verdicts))}
${pictures(evidence)}
${checks(verdicts)}
${facts(evidence)}
<section><h2>Logs</h2>
${log("Session log", evidence.sessionLog, inSession)}
${log("Serial console", evidence.serialLog, verdicts.length === 0)}
</section>
</main>
<footer>
<p>Files beside this page: <code>junit.xml</code> for CI, <code>facts.json</code> with verdicts and facts, <code>session.log</code>, <code>serial.log</code>, <code>screen.png</code>.</p>
</footer>
</body>
</html>
`.text;
}
