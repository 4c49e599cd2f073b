/** DomainContract's handler on a libvirt of the test, with at most one domain. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach } from "node:test";
import { DomainContractProps, provider } from "../../../../components/domain/contract.provider";
import { DomainContractInputs } from "../../../../components/domain/contract";
import { DomainSpec } from "../../../../components/domain/definition";
import { FakePrograms, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
export const programs = new FakePrograms();
export const folder = temporaryFolder();
export const host = join(folder, "host");
export const file = (name: string): string => join(programs.folder, name);
export const UUID = "03477bcd-dafd-49ea-9ded-32ba352a5b3c";

export const SPEC: DomainSpec = {
  ...{ name: "mirlab-dev-mir", stack: "dev", guest: "mir", type: "qemu" },
  ...{ memoryMiB: 2048, vcpus: 2, mac: "52:54:00:01:02:03" },
  ...{ disk: "/pool/disk.qcow2", seed: "/pool/seed.iso", serialLog: "/log/mir.serial.log" },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  spice: { port: 5901, clipboard: false, fileTransfer: false },
  network: { mode: "user", sshPort: 20022 },
};
export const INPUTS: DomainContractInputs = {
  spec: SPEC,
  onDrift: "heal",
  directory: join(folder, "guest"),
  drift: [],
};

/** A libvirt with at most one domain, in files: `persistent`, `live` while it runs, `state`. */
programs.set(
  "virsh",
  `cd "${programs.folder}"; printf '%s\\n' "$*" >>calls
while [[ $1 == --* ]]; do [[ $1 != --connect ]] || shift; shift; done
[[ ! -e down ]] || { echo 'error: Failed to connect' >&2; exit 1; }
xml() { sed -e 's/machine="q35"/machine="pc-q35-7.2"/' "$1"; }
mark=$(sed -n 's/^echo \\([0-9a-f]*\\):version.*/\\1/p' <<<"$1")
if [[ -n $mark ]]; then
  echo "$mark:version:QEMU 7.2"; echo "$mark:state:$(cat state)"
  echo "$mark:info:Id: $([[ -e live ]] && echo 3 || echo -)"; echo "Persistent: yes"; echo "Autostart: disable"; echo "Managed save: no"
  echo "$mark:persistent:$(xml persistent)"; echo "$mark:live:$([[ ! -e live ]] || xml live)"; echo "$mark:snapshots:"
  exit
fi
case $1 in
  list) [[ ! -e persistent ]] || { [[ "$*" == *--name* ]] && echo "${UUID} ${SPEC.name}" || echo "${UUID}"; } ;;
  define) cat >persistent.new; [[ ! -e refuse ]] || { echo 'error: refused' >&2; exit 1; }; mv persistent.new persistent; [[ -e state ]] || echo 'shut off (unknown)' >state ;;
  start) [[ ! -e broken ]] || { echo 'error: no start' >&2; exit 1; }; cp persistent live; echo 'running (booted)' >state ;;
  shutdown | destroy) rm -f live; echo 'shut off (shutdown)' >state; [[ ! -e transient ]] || rm -f persistent state ;;
  resume) echo 'running (unpaused)' >state ;;
  domstate) [[ -e state ]] || { echo 'error: failed to get domain' >&2; exit 1; }; cat state ;;
  update-device) passwd=$(grep -o 'passwd="[^"]*"'); sed -i "s/passwd=\\"[^\\"]*\\"/$passwd/" live ;;
  undefine) rm -f persistent state ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac`,
);

beforeEach(() => {
  for (const name of [
    "persistent",
    "live",
    "state",
    "down",
    "broken",
    "refuse",
    "calls",
    "transient",
  ])
    rmSync(file(name), { force: true });
  rmSync(INPUTS.directory, { recursive: true, force: true });
  rmSync(host, { recursive: true, force: true });
});

/** virsh's verbs since the last look, in order. */
export function verbs(): string[] {
  const words = [
    "define",
    "start",
    "shutdown",
    "destroy",
    "resume",
    "undefine",
    "domrename",
    "update-device",
  ];
  const calls = existsSync(file("calls")) ? readFileSync(file("calls"), "utf8").split("\n") : [];
  rmSync(file("calls"), { force: true });
  return calls.flatMap((line) => words.filter((word) => line.split(" ")[3] === word));
}

export const edit = (name: "persistent" | "live", from: string, to: string): void => {
  const text = readFileSync(file(name), "utf8");
  assert.ok(text.includes(from), `${name} has no ${from}`);
  writeFileSync(file(name), text.replace(from, to));
};

export async function created(): Promise<DomainContractProps> {
  const { id, outs } = await provider.create(INPUTS);
  assert.equal(id, UUID);
  verbs();
  return outs as DomainContractProps;
}
export async function read(props: DomainContractProps): Promise<DomainContractProps> {
  const result = await provider.read?.(UUID, props);
  assert.equal(result?.id, UUID);
  assert.deepEqual(result.inputs?.drift, result.props?.drift, "a preview shows inputs");
  return result.props as DomainContractProps;
}
export async function updated(
  olds: DomainContractProps,
  news = INPUTS,
): Promise<DomainContractProps> {
  return (await provider.update?.(UUID, olds, news))?.outs as DomainContractProps;
}
export const changes = async (
  olds: DomainContractProps,
  news = INPUTS,
): Promise<boolean | undefined> => (await provider.diff?.(UUID, olds, news))?.changes;
