import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import {
  HostContractInputs,
  HostContractProps,
  provider,
} from "../../../../components/host/contract.provider";
import { FakePrograms, ROOT } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const looks = join(programs.folder, "looks");
const calls = join(programs.folder, "calls");

/** Answers of one look after the other, as scripts/host/observe.sh prints them; the last one stays. */
function host(...answers: Readonly<Record<string, string>>[]): void {
  answers.forEach((changes, i) => {
    const facts = { ...SOUND, ...changes };
    const lines = Object.entries(facts).map(
      ([k, v]) => `fact\t${k.replace("|", "\t")}\t${v}\ttest`,
    );
    writeFileSync(
      `${looks}.${i + 1}`,
      ["observe\t1", ...lines, `end\t${lines.length}`, ""].join("\n"),
    );
  });
  programs.set(
    "bash",
    `cat >"${programs.folder}/script"
if [[ $4 == package && $5 == qemu-utils || $3 == - ]]; then
  n=$(($(cat "${looks}" 2>/dev/null || echo 0) + 1)); echo "$n" >"${looks}"
  (( n <= ${answers.length} )) || n=${answers.length}
  cat "${looks}.$n"
else
  shift 2; echo "$*" >>"${calls}"
fi`,
  );
}

const SOUND: Readonly<Record<string, string>> = {
  "package qemu-utils|state": "installed",
  "package qemu-utils|hold": "no",
  "files|signature": "f00d",
  "service libvirtd|state": "running",
  "service virtlogd|state": "running",
  "group libvirt|state": "exists",
  "group kvm|state": "exists",
  "user libvirt-qemu|in group kvm": "yes",
  "libvirt|answers": "yes",
  "libvirt|transcript": Buffer.from(
    `qemu:///system\n@@pool mirlab-dev@@State: running\nAutostart: yes\n<pool><target><path>/data/dev/pool</path></target></pool>\n`,
  ).toString("base64"),
  "listeners|tcp": "",
  ...Object.fromEntries(
    ["/data", "/data/dev", "/data/dev/pool", "/data/dev/log", "/data/dev/shares"].flatMap(
      (path) => [
        [`folder ${path}|state`, "directory"],
        [`folder ${path}|mode`, path === "/data" ? "755" : "711"],
        [`folder ${path}|owner`, "root:root"],
        [`folder ${path}|mark`, path === "/data/dev" ? "dev ada@desk-0123abcd" : "none"],
      ],
    ),
  ),
};
const INPUTS: HostContractInputs = {
  ...{
    stack: "dev",
    owner: "ada@desk-0123abcd",
    dataDir: "/data",
    cacheDir: "/cache",
    packages: ["qemu-utils"],
    parts: [],
  },
  ...{ install: true, pool: { name: "mirlab-dev", path: "/data/dev/pool" }, guests: [] },
  ...{ onDrift: "heal", drift: [] },
};
const MISSING = { "package qemu-utils|state": "missing" };
const WORDS = "package qemu-utils: declared installed, found missing; up installs it (a download)";

const healed = (): string =>
  existsSync(calls) ? readFileSync(calls, "utf8").trim().replaceAll("\n", "; ") : "";
const made = async (inputs = INPUTS): Promise<HostContractProps> =>
  (await provider.create(inputs)).outs as HostContractProps;
const read = async (props: HostContractProps) => {
  const result = await provider.read?.("dev-host", props);
  return result as { id: string; props: HostContractProps; inputs: HostContractInputs };
};

beforeEach(() => {
  rmSync(looks, { force: true });
  rmSync(calls, { force: true });
});

describe("HostContract", () => {
  it("changes nothing on a host that is as declared, and records what only it can know", async () => {
    host({});
    const props = await made();
    assert.equal(healed(), "");
    assert.deepEqual(props.drift, []);
    assert.equal(props.recorded?.["package qemu-utils: hold"], "no");
    const seen = await read(props);
    assert.deepEqual(seen.inputs, INPUTS);
    assert.deepEqual(await provider.diff?.("dev-host", seen.props, INPUTS), { changes: false });
  });

  it("read tells each difference in words, in the input that the program declares empty", async () => {
    host({}, MISSING);
    const seen = await read(await made());
    assert.equal(seen.id, "dev-host");
    assert.deepEqual(seen.props.drift, [WORDS]);
    assert.deepEqual(seen.inputs, { ...INPUTS, drift: [WORDS] });
    assert.equal(healed(), "", "a look changes nothing");
    assert.deepEqual(await provider.diff?.("dev-host", seen.props, INPUTS), { changes: true });
  });

  it("update runs the script that heals it, and looks again", async () => {
    host({}, MISSING, {});
    const props = await made();
    const { outs } = (await provider.update?.("dev-host", props, INPUTS)) ?? {};
    assert.equal(healed(), "install qemu-utils");
    assert.deepEqual((outs as HostContractProps).drift, []);
  });

  it("runs a script once that heals several things", async () => {
    const loose = { "folder /data/dev|mode": "777", "folder /data/dev/log|mode": "777" };
    host({}, loose, {});
    await provider.update?.("dev-host", await made(), INPUTS);
    assert.equal(healed(), "make /data dev ada@desk-0123abcd");
  });

  it("fails with what is left when healing did not help", async () => {
    host({}, MISSING);
    const props = await made();
    await assert.rejects(async () => provider.update?.("dev-host", props, INPUTS), {
      message: `the host is not as the lab needs it: 1 left\n  ${WORDS}`,
    });
  });

  it("takes what the host's owner decides as it is, once", async () => {
    const held = { "package qemu-utils|hold": "yes" };
    host({}, held);
    const props = await made();
    assert.equal((await read(props)).props.drift.length, 1);
    const { outs } = (await provider.update?.("dev-host", props, INPUTS)) ?? {};
    assert.equal(healed(), "");
    assert.deepEqual((await read(outs as HostContractProps)).props.drift, []);
  });

  it("leaves the host as it is where only reports are asked for, and goes on telling", async () => {
    host({}, MISSING);
    const inputs: HostContractInputs = { ...INPUTS, onDrift: "report" };
    const props = await made(inputs);
    const { outs } = (await provider.update?.("dev-host", props, inputs)) ?? {};
    assert.equal(healed(), "");
    assert.deepEqual((await read(outs as HostContractProps)).props.drift, [WORDS]);
  });

  it("does not take half an answer, or none, for a host without anything", async () => {
    host({});
    const props = await made();
    programs.set("bash", `cat >/dev/null; printf 'observe\\t1\\nfact\\ta\\tb\\tc\\td\\n'`);
    await assert.rejects(read(props), /the answer is not whole/);
    programs.set("bash", `cat >/dev/null; echo 'no space left' >&2; exit 1`);
    await assert.rejects(read(props), {
      message: "the host cannot be looked at: no space left; run 'npm run doctor'",
    });
    programs.set("ssh", `cat >/dev/null; echo 'No route to host' >&2; exit 255`);
    const host1 = { config: "/c", alias: "h" };
    await assert.rejects(read({ ...props, host: host1 }), {
      message:
        "the lab host does not answer (No route to host), required an answer: nothing is known of it; check that it is up and host.ssh is right",
    });
  });
});
