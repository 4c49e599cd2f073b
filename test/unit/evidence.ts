// Evidence of looks at guests, for the tests of report and JUnit output.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Tier, Verdict } from "../../core/verdict";
import { Evidence } from "../../components/report/evidence";
import { FACTS, fixture, ROOT } from "./support";

export function verdict(
  tier: Tier,
  id: string,
  status: Verdict["status"],
  found: string,
  required: string,
  more: Partial<Verdict> = {},
): Verdict {
  const remedy = "install it in the guest";
  return { id, tier, status, found, required, remedy, fatal: true, settles: false, ...more };
}

const MET: readonly Verdict[] = [
  verdict("boot", "cloud-init", "met", "done, no errors", "done without errors"),
  verdict("boot", "kernel", "met", "6.1.0-56-amd64", ">= 3.18"),
  verdict("boot", "newest-kernel", "met", "6.1.0-56-amd64 runs", "the newest installed kernel"),
  verdict("graphics", "drm", "met", "qxl on 1b36:0100", "qxl bound to a card in /dev/dri"),
  verdict("graphics", "mesa", "met", "22.3.6", ">= 10.3.0"),
  verdict(
    "graphics",
    "gles",
    "met",
    "OpenGL ES 3.2 Mesa 22.3.6",
    "an OpenGL ES 2 or newer context",
  ),
  verdict("graphics", "renderer", "met", "llvmpipe (LLVM 15.0.6, 128 bits)", "a Mesa renderer"),
  verdict("session", "session", "met", "active", "mir-session.service active"),
  verdict("session", "platform", "met", "mir:gbm-kms (version 2.12.1)", "a KMS display platform"),
  verdict("session", "share", "skipped", "guests[].share.enabled is false", "a share"),
  verdict("session", "picture", "met", "1024x768, 9.8 % drawn", "a screen that is not empty"),
];

const SESSION_LOG = `2026-11-25T16:13:02+00:00 mir systemd[1]: Started mir-session.service - Mir session.
2026-11-25T16:13:04+00:00 mir run[582]: [2026-11-25 16:13:04.118] <information> mirserver: Starting
2026-11-25T16:13:05+00:00 mir run[582]: [2026-11-25 16:13:05.220] <information> mirserver: Selected display driver: mir:gbm-kms (version 2.12.1)
2026-11-25T16:13:09+00:00 mir run[582]: [2026-11-25 16:13:09.008] < - debug - > graphics: GL renderer: llvmpipe (LLVM 15.0.6, 128 bits)
`;

const SERIAL_LOG = Array.from(
  { length: 320 },
  (_, i) => `[    ${(i / 20).toFixed(6)}] systemd[1]: Reached target number ${i} of many.\r\n`,
).join("");

/** A guest on which all is well. */
export const READY: Evidence = {
  stack: "dev",
  guest: "mir",
  domain: "mirlab-dev-mir",
  ready: true,
  time: "2026-11-25T16:14:28.123Z",
  acceleration: "tcg",
  verdicts: MET,
  versions: { Linux: "6.1.0-56-amd64", Mesa: "22.3.6", Mir: "2.12.1-1" },
  facts: JSON.parse(fixture(FACTS.ready)) as unknown,
  pictures: [
    {
      title: "Screen",
      time: "2026-11-25T16:14:27.001Z",
      png: readFileSync(join(ROOT, "docs", "mir.png")),
      file: "screen.png",
    },
  ],
  sessionLog: { text: SESSION_LOG, whole: "'journalctl -b -u mir-session' in mirlab-dev-mir" },
  serialLog: { text: SERIAL_LOG, whole: "/var/lib/mirlab/dev/log/mir.serial.log" },
};

/** A guest with one check of each kind that is not met. */
export const NOT_READY: Evidence = {
  ...READY,
  ready: false,
  fault: "not in time: mirlab-dev-mir: readiness: 300 s of 300 s; 8 of 11, not yet session",
  verdicts: MET.map((v): Verdict => {
    switch (v.id) {
      case "mesa":
        return {
          ...v,
          status: "unmet",
          found: "10.1.3",
          remedy:
            "install a newer Mesa by guests[].mesa (docs/builds.md), or lower guests[].gates.mesa",
        };
      case "session":
        return {
          ...v,
          status: "unknown",
          found: "nothing",
          remedy: "read 'journalctl -u mir-session -b' in the guest",
        };
      case "newest-kernel":
        return {
          ...v,
          fatal: false,
          status: "unmet",
          found: "6.1.0-56-amd64 runs, 6.1.0-58-amd64 is installed",
          remedy: "reboot the guest",
        };
      default:
        return v;
    }
  }),
};

/** A guest that never answered. */
export const NOT_REACHED: Evidence = {
  ...READY,
  ready: false,
  acceleration: "kvm",
  fault:
    "not in time: mirlab-dev-mir: ssh: 120 s of 120 s; ssh: connect to host 127.0.0.1 port 22007: Connection refused\n" +
    "last lines of /var/lib/mirlab/dev/log/mir.serial.log:\nKernel panic - not syncing: VFS: Unable to mount root fs",
  verdicts: [],
  versions: {},
  facts: null,
  pictures: [],
  sessionLog: {
    missing: "Not available from the guest: Connection refused",
    whole: "'journalctl -b -u mir-session' in mirlab-dev-mir",
  },
};

/** Texts with which a guest could try to run something in the reader's browser or terminal. */
export const HOSTILE = [
  "<script>window.pwned=1</script>",
  "<img src=x onerror=window.pwned=2>",
  "\"><svg onload='window.pwned=3'>",
  "' onmouseover='window.pwned=4' x='",
  "</style></title></pre></textarea><script>window.pwned=5</script>",
  "--><script>alert(6)</script><!--",
  "<![CDATA[<script>alert(7)</script>]]>",
  "</details></section></main><base href=https://example.invalid/><iframe srcdoc='<script>parent.pwned=8</script>'>",
  "&lt;script&gt;window.pwned=9&lt;/script&gt;",
  "javascript:window.pwned=10",
  "\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u001b]8;;https://example.invalid\u001b\\link",
  "\u202Egnp.exe \u2066isolated\u2069 zero\u200Bwidth",
  "\u0000nul\u0008back \ud800 lone",
] as const;

/** Evidence in which all of the guest's texts are hostile, and one log has 10 MB. */
export function hostileEvidence(): Evidence {
  const all = HOSTILE.join("\n");
  const bad = (status: Verdict["status"], fatal: boolean): Verdict =>
    verdict("graphics", all, status, all, all, { remedy: all, fatal });
  return {
    ...READY,
    stack: all,
    guest: all,
    domain: all,
    ready: false,
    fault: all,
    verdicts: [
      bad("met", true),
      bad("unmet", true),
      bad("unknown", true),
      bad("unmet", false),
      bad("skipped", true),
    ],
    versions: { [all]: all },
    facts: { [all]: [all, { [all]: all, list: HOSTILE }], long: "x".repeat(500_000) },
    pictures: READY.pictures.map((p) => ({ ...p, title: all, time: all, file: all })),
    sessionLog: { missing: all, whole: all },
    serialLog: { text: `${all}\n`.repeat(10_000_000 / all.length) + all, whole: all },
  };
}
