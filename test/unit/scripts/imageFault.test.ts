/** What an image's build says of apt's words; lines recorded from apt 2.6.1 by mmdebstrap 1.3.5. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { run } from "../../../core/exec.io";
import { ROOT, temporaryFolder } from "../support";

const SCRIPT = join(ROOT, "scripts/host/image-build.sh");
const SET = `. scripts/host/lib.sh; . scripts/host/apt-way.sh
suite=forky mirror=http://m.example/debian distribution=debian keyring=KEYS log=$1
eval "$(sed -n '/^said() {/p; /^build_fault() {/,/^}/p' '${SCRIPT}')"; build_fault`;

async function fault(line: string): Promise<string> {
  const log = join(temporaryFolder(), "log");
  writeFileSync(log, `I: running apt-get update...\n${line}\nE: mmdebstrap failed to run\n`);
  const ended = await run(["bash", "-euc", `ME=test; cd '${ROOT}'; ${SET}`, "fault", log]);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString();
}

const CASES: readonly [string, RegExp][] = [
  [
    "E: Release file for http://deb.debian.org/debian/dists/forky/InRelease is expired (invalid since 26d 21h 5min 9s). Updates for this repository will not be applied.",
    /^found package lists that have expired, http:\/\/deb\.debian\.org\/debian\/dists\/forky\/InRelease; need current ones; fix: .*host\.apt\.validUntil to "ignore"$/,
  ],
  [
    "E: Unable to locate package no-such-package",
    /^found no package no-such-package in forky; need packages of this suite; fix: correct guests\[\]\.image\.packages/,
  ],
  [
    "E: The repository 'http://m.example/debian forky InRelease' is not signed.",
    /^found no key in KEYS that signs forky at .*; fix: upgrade package debian-archive-keyring on the host$/,
  ],
  [
    "E: The repository 'http://127.0.0.1:41234 sample InRelease' is not signed.",
    /^found that the key does not sign the archive http:\/\/127\.0\.0\.1:41234; need its signing key; fix: correct guests/,
  ],
  [
    "E: Could not connect",
    /^found that the build failed, see above; need an image; fix: check the/,
  ],
];

for (const [line, expected] of CASES)
  it(`a build that ended by "${line.slice(0, 40)}..." has a fix`, async () => {
    assert.match(await fault(line), expected);
  });
