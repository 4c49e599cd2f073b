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

/** Answers of successive looks, as scripts/host/observe.sh prints them; the last one repeats. */
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
const created = async (inputs = INPUTS): Promise<HostContractProps> =>
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
  it("changes nothing on a host that is as declared, and records undeclared values", async () => {
    host({});
    const props = await created();
    assert.equal(healed(), "");
    assert.deepEqual(props.drift, []);
    assert.equal(props.recorded?.["package qemu-utils: hold"], "no");
    const seen = await read(props);
    assert.deepEqual(seen.inputs, INPUTS);
    assert.deepEqual(await provider.diff?.("dev-host", seen.props, INPUTS), { changes: false });
  });

  it("read puts each difference, in words, into the input that the program declares empty", async () => {
    host({}, MISSING);
    const seen = await read(await created());
    assert.equal(seen.id, "dev-host");
    assert.deepEqual(seen.props.drift, [WORDS]);
    assert.deepEqual(seen.inputs, { ...INPUTS, drift: [WORDS] });
    assert.equal(healed(), "", "a look changes nothing");
    assert.deepEqual(await provider.diff?.("dev-host", seen.props, INPUTS), { changes: true });
  });

  it("update runs the script that repairs it, and looks again", async () => {
    host({}, MISSING, {});
    const props = await created();
    const { outs } = (await provider.update?.("dev-host", props, INPUTS)) ?? {};
    assert.equal(healed(), "install qemu-utils");
    assert.deepEqual((outs as HostContractProps).drift, []);
  });

  it("runs a script once if it repairs several differences", async () => {
    const loose = { "folder /data/dev|mode": "777", "folder /data/dev/log|mode": "777" };
    host({}, loose, {});
    await provider.update?.("dev-host", await created(), INPUTS);
    assert.equal(healed(), "make /data dev ada@desk-0123abcd");
  });

  it("reinstalls the packages of all changed files by one run", async () => {
    const broken = {
      "file /usr/bin/qemu-img|content": "changed",
      "file /usr/bin/qemu-io|content": "changed",
    };
    host({}, broken, {});
    await provider.update?.("dev-host", await created(), INPUTS);
    assert.equal(healed(), "reinstall /usr/bin/qemu-img /usr/bin/qemu-io");
  });

  it("fails with the differences that the repair left", async () => {
    host({}, MISSING);
    const props = await created();
    await assert.rejects(async () => provider.update?.("dev-host", props, INPUTS), {
      message: `host: found 1 difference(s) after the repair; need none\n  ${WORDS}`,
    });
  });

  it("reports a change by the host's owner once, then records it", async () => {
    const held = { "package qemu-utils|hold": "yes" };
    host({}, held);
    const props = await created();
    assert.equal((await read(props)).props.drift.length, 1);
    const { outs } = (await provider.update?.("dev-host", props, INPUTS)) ?? {};
    assert.equal(healed(), "");
    assert.deepEqual((await read(outs as HostContractProps)).props.drift, []);
  });

  it("only reports with onDrift report, and reports again", async () => {
    host({}, MISSING);
    const inputs: HostContractInputs = { ...INPUTS, onDrift: "report" };
    const props = await created(inputs);
    const { outs } = (await provider.update?.("dev-host", props, inputs)) ?? {};
    assert.equal(healed(), "");
    assert.deepEqual((await read(outs as HostContractProps)).props.drift, [WORDS]);
  });

  it("fails on an incomplete or missing answer", async () => {
    host({});
    const props = await created();
    programs.set("bash", `cat >/dev/null; printf 'observe\\t1\\nfact\\ta\\tb\\tc\\td\\n'`);
    await assert.rejects(read(props), /found an incomplete answer/);
    programs.set("bash", `cat >/dev/null; echo 'no space left' >&2; exit 1`);
    await assert.rejects(read(props), {
      message: "cannot observe the host: no space left; fix: npm run doctor",
    });
    programs.set("ssh", `cat >/dev/null; echo 'No route to host' >&2; exit 255`);
    const host1 = { config: "/c", alias: "h" };
    await assert.rejects(read({ ...props, host: host1 }), {
      message:
        "lab host: found no answer (No route to host); need one, as nothing is known without it; fix: check that the host is up and host.ssh is right",
    });
  });
});
