import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it, mock } from "node:test";
import { endForRemoval, shutDown } from "../../../../components/domain/power.io";
import { FakePrograms, temporaryFolder } from "../../support";

const UUID = "0f0e0d0c-0b0a-4908-8706-050403020100";
const programs = new FakePrograms();
const folder = temporaryFolder();
/** The domain's state; no file: libvirt has no such domain. */
const state = join(folder, "state");
/** While it is there libvirt does not answer; it holds how many calls it takes to come back. */
const down = join(folder, "down");
const calls = join(folder, "calls");
mock.method(console, "log", () => undefined);

programs.set(
  "virsh",
  `shift 3; printf '%s\\n' "$1" >>${calls}
   if [[ -e ${down} ]]; then
     left=$(($(cat ${down}) - 1))
     # A call that outlives its test must not bring the file back.
     ((left > 900)) || echo $left >${down}; ((left > 0)) || rm -f ${down}
     echo 'error: failed to connect to the hypervisor' >&2; exit 1
   fi
   [[ -e ${state} || $1 == list ]] || { echo 'error: Domain not found' >&2; exit 1; }
   case $1 in
     domstate) echo "$(cat ${state}) (reason)" ;;
     list) [[ ! -e ${state} ]] || echo ${UUID} ;;
     shutdown) [[ ! -e ${folder}/stubborn ]] && echo 'shut off' >${state} ;;
     # Libvirt refuses to switch off what has stopped meanwhile, or what it cannot stop.
     destroy)
       [[ ! -e ${folder}/stuck ]] || { echo 'error: Failed to terminate process' >&2; exit 1; }
       echo 'shut off' >${state}
       [[ ! -e ${folder}/late ]] || { echo 'error: domain is not running' >&2; exit 1; } ;;
   esac`,
);

const domain = { host: undefined, domain: UUID, acceleration: "kvm" } as const;
const asked = (verb: string): number =>
  existsSync(calls)
    ? readFileSync(calls, "utf8")
        .split("\n")
        .filter((v) => v === verb).length
    : 0;

async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeEach(() => {
  for (const file of ["stubborn", "calls", "down", "late", "stuck"])
    rmSync(join(folder, file), { force: true });
  writeFileSync(state, "running");
});

describe("the end of a domain before its removal", { timeout: 60_000 }, () => {
  it("is a clean shutdown", async () => {
    await endForRemoval(domain);
    assert.deepEqual([asked("shutdown"), asked("destroy")], [1, 0]);
  });

  it("has happened where the domain stops just before it is switched off", async () => {
    writeFileSync(state, "paused");
    writeFileSync(join(folder, "late"), "");
    await endForRemoval(domain);
    assert.equal(asked("destroy"), 1);
  });

  it("fails where the domain still runs after it was to be switched off", async () => {
    writeFileSync(state, "paused");
    writeFileSync(join(folder, "stuck"), "");
    await assert.rejects(endForRemoval(domain), /virsh destroy: error: Failed to terminate/);
  });

  it("waits for a libvirtd that restarts meanwhile: its silence is no answer", async () => {
    writeFileSync(join(folder, "stubborn"), "");
    const ended = endForRemoval(domain);
    await until(() => asked("shutdown") > 0);
    writeFileSync(down, "4");
    rmSync(join(folder, "stubborn"));
    await until(() => !existsSync(down));
    writeFileSync(state, "shut off");
    await ended;
    assert.equal(asked("destroy"), 0);
  });

  it("leaves a domain alone, and fails, while libvirt does not answer at all", async () => {
    writeFileSync(down, "1000");
    await assert.rejects(endForRemoval(domain), /failed to connect to the hypervisor/);
    assert.equal(asked("destroy"), 0);
  });

  it("is nothing for a domain that is off, or that libvirt does not have", async () => {
    writeFileSync(state, "shut off");
    await endForRemoval(domain);
    rmSync(state);
    await endForRemoval(domain);
    assert.deepEqual([asked("shutdown"), asked("destroy")], [0, 0]);
  });

  it("is by force for a domain that cannot shut down", async () => {
    writeFileSync(state, "paused");
    await endForRemoval(domain);
    assert.equal(asked("destroy"), 1);
  });
});

describe("a clean shutdown", { timeout: 60_000 }, () => {
  it("is done when libvirt says so, also after a moment without an answer", async () => {
    writeFileSync(down, "3");
    await shutDown(domain);
    assert.deepEqual([asked("shutdown"), asked("destroy")], [1, 0]);
  });
});
