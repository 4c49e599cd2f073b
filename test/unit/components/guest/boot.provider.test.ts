import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { provider } from "../../../../components/guest/boot.provider";
import { GuestBootInputs } from "../../../../components/guest/boot";
import { FakePrograms, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const folder = join(temporaryFolder(), "labs", "dev", "mir");
const INPUTS: GuestBootInputs = {
  guest: { config: join(folder, "ssh_config"), alias: "mirlab-dev-mir" },
  domain: "mirlab-dev-mir",
  bootId: "0f0f0f0f-0000-4000-8000-000000000000",
  acceleration: "kvm",
  serialLog: "",
};

/** A guest whose sshd answers by `ssh` and whose cloud-init ends by `cloudInit`. */
function guest(ssh: string, cloudInit = "echo done"): void {
  programs.set("virsh", "echo 'running (booted)'");
  programs.set(
    "ssh",
    `cat >/dev/null\nif [[ \${*: -1} == true ]]; then ${ssh}; else ${cloudInit}; fi`,
  );
}

const failure = async (): Promise<string> => {
  try {
    await provider.create(INPUTS);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the guest booted");
};

describe("GuestBoot", () => {
  it("finishes when the guest answers and cloud-init has ended", async () => {
    guest("exit 0");
    assert.deepEqual(await provider.create(INPUTS), { id: INPUTS.bootId, outs: INPUTS });
  });

  it("waits for a guest that does not answer yet", async () => {
    const mark = `${programs.folder}/asked`;
    guest(`[[ -e ${mark} ]] || { touch ${mark}; echo 'Connection refused' >&2; exit 255; }`);
    assert.equal((await provider.create(INPUTS)).id, INPUTS.bootId);
  });

  it("writes a report only if the guest does not boot", async () => {
    const report = join(folder, "results", "report.html");
    guest("exit 0");
    await provider.create(INPUTS);
    assert.equal(existsSync(report), false);
    guest("exit 255");
    programs.set("virsh", "echo 'shut off (failed)'");
    await failure();
    assert.match(readFileSync(report, "utf8"), /Not ready: the guest did not answer/);
  });

  it("fails at once on another host key, with the fix", async () => {
    guest("echo 'Host key verification failed.' >&2; exit 255");
    assert.match(
      await failure(),
      /^mirlab-dev-mir: found another SSH host key than the pinned one \(nothing was run there\); need the pinned key; fix: run 'pulumi up --replace' on the guest's domain, if you replaced the key$/,
    );
  });

  it("fails at once when the domain does not run", async () => {
    guest("exit 255");
    programs.set("virsh", "echo 'shut off (failed)'");
    assert.match(
      await failure(),
      /^domain mirlab-dev-mir: found shut off \(failed\); need running; fix: run 'virsh start mirlab-dev-mir'; the serial log says why it stopped/,
    );
  });

  it("fails with the module and the log of a failed cloud-init", async () => {
    guest("exit 0", "echo 'modules-final: apt failed' >&2; exit 1");
    assert.match(
      await failure(),
      /^mirlab-dev-mir: cloud-init failed\n[^]*modules-final: apt failed/,
    );
  });

  it("waits again for a guest that restarts in its first boot, a few times", async () => {
    const breaks = (times: number): void => {
      const looks = join(temporaryFolder(), "looks");
      const broken = `(($(wc -l <${looks}) > ${times})) || { echo 'Connection closed' >&2; exit 255; }`;
      guest("exit 0", `echo look >>${looks}; ${broken}`);
    };
    breaks(2);
    assert.equal((await provider.create(INPUTS)).id, INPUTS.bootId);
    breaks(99);
    assert.match(
      await failure(),
      /^mirlab-dev-mir: found the connection broken 3 times during the first boot; need .*; fix: see its serial log/,
    );
  });

  it("runs again for a new domain, and not for a change of the engine's own inputs", async () => {
    const diff = async (change: object): Promise<boolean | undefined> =>
      (
        await provider.diff?.("id", { ...INPUTS, __provider: "a" } as never, {
          ...INPUTS,
          ...change,
        })
      )?.changes;
    assert.equal(await diff({ __provider: "b" }), false);
    assert.equal(await diff({ bootId: "1" }), true);
  });
});
