// MirReadiness beside a guest and a screen from fake programs.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forgetLooks } from "../../../../components/guest/look.io";
import { toPng } from "../../../../components/readiness/picture";
import {
  MirReadinessInputs,
  MirReadinessProps,
  provider,
} from "../../../../components/readiness/readiness.provider";
import { LIMITS_S, SETTLED_S, STALL_S } from "../../../../core/limits";
import { FACTS, FakePrograms, fixture, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
export const programs = new FakePrograms();
export const folder = temporaryFolder();
export const READY = fixture(FACTS.ready);
export const share = join(folder, "share");

export const INPUTS: MirReadinessInputs = {
  guest: { config: "/nowhere/ssh_config", alias: "mirlab-dev-mir" },
  domain: "mirlab-dev-mir",
  bootId: "0f0f0f0f-0000-4000-8000-000000000000",
  acceleration: "kvm",
  serialLog: "",
  gates: { kernel: ">= 3.18", mesa: ">= 10.3.0" },
  picture: join(folder, "lab", "mir", "screen.png"),
  session: "active",
};

type Facts = Record<string, object>;

/** The real answer with parts of its facts changed. */
export function facts(changes: Record<string, object> = {}): string {
  const all = JSON.parse(READY) as Facts;
  for (const [name, change] of Object.entries(changes))
    all[name] = Array.isArray(change) ? change : { ...all[name], ...change };
  return JSON.stringify(all);
}

/** A session that is still starting. */
export const STARTING = facts({
  session: { activeState: "activating", activeSeconds: null, libraries: [] },
  mirLog: { displayDriver: null },
});

/** A screen with a window, or an empty one; it changes after a key. */
export function screen(drawn: boolean, key = true): void {
  const rgb = new Uint8Array(64 * 48 * 3);
  if (drawn) rgb.fill(200, 0, rgb.length / 2);
  writeFileSync(join(programs.folder, "screen"), toPng({ width: 64, height: 48, rgb }));
  if (key) rgb.fill(100, 0, 30);
  writeFileSync(join(programs.folder, "screen-after-key"), toPng({ width: 64, height: 48, rgb }));
}

/** A guest with these facts; `answer` is the command that answers the nonce in the share. */
export function guest(
  facts: string,
  answer = 'printf "%s answered" "$nonce" >"$file.answer"',
): void {
  writeFileSync(join(programs.folder, "facts.json"), facts);
  const looks = { "facts.py": { code: 0, out: facts, err: "" } };
  writeFileSync(join(programs.folder, "looks.json"), JSON.stringify(looks));
  programs.set(
    "ssh",
    `cat >/dev/null
words=\${*: -1}
printf '%s\\n' "$words" >>"${programs.folder}/ssh.log"
if [[ $words == *" check "* ]]; then
  nonce=$(sed -E 's/.* ([0-9a-f]{64}) .*/\\1/' <<<"$words") file="${share}/.mirlab-$nonce"
  [[ -e $file ]] || { echo "no nonce" >&2; exit 1; }
  ${answer}
  exit
fi
# A look of a preview asks several scripts at once.
if [[ $words == *"python3 -I -S -c "* ]]; then cat "${programs.folder}/looks.json"
else cat "${programs.folder}/facts.json"; fi`,
  );
  forgetLooks();
}

export function virsh(state = "running (booted)"): void {
  programs.set(
    "virsh",
    `case "$*" in
  *domstate*) echo "${state}" ;;
  *domstats*) echo "block.0.rd.reqs=1" ;;
  *send-key*)
    echo "$*" >>"${programs.folder}/keys.log"
    cp "${programs.folder}/screen-after-key" "${programs.folder}/screen"
    ;;
  *screenshot*) cp "${programs.folder}/screen" "\${*: -1}" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac`,
  );
}

/** Seconds to wait: none, except in the tests of waiting. */
export const limits = LIMITS_S.kvm as { ssh: number; session: number };
const stall = STALL_S.kvm as { ssh: number; session: number };
export const settled = SETTLED_S as { kvm: number };
export const keys = join(programs.folder, "keys.log");

/** A guest that is ready, a screen with a window, no files of a test before, and no waiting. */
export function reset(): void {
  Object.assign(limits, { ssh: 0, session: 0 });
  Object.assign(stall, { ssh: 60, session: 60 });
  settled.kvm = 1e9;
  rmSync(INPUTS.picture, { force: true });
  rmSync(keys, { force: true });
  rmSync(share, { recursive: true, force: true });
  mkdirSync(share);
  screen(true);
  guest(READY);
  virsh();
}

export async function created(
  change: Partial<MirReadinessInputs> = {},
): Promise<MirReadinessProps> {
  const { id, outs } = await provider.create({ ...INPUTS, ...change });
  assert.equal(id, INPUTS.bootId);
  return outs as MirReadinessProps;
}

/** The failure in Pulumi's form: the properties for the state, and the printed reasons. */
export async function failure(change: Partial<MirReadinessInputs> = {}) {
  try {
    await provider.create({ ...INPUTS, ...change });
  } catch (error) {
    return error as Error & { id?: string; properties?: MirReadinessProps; reasons?: string[] };
  }
  throw new Error("the guest is ready");
}

export async function read(props: MirReadinessProps): Promise<MirReadinessProps> {
  const result = await provider.read?.(INPUTS.bootId, props);
  assert.equal(result?.id, INPUTS.bootId);
  return result.props as MirReadinessProps;
}
