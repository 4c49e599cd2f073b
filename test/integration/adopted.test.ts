/** Adopts a domain of the host, and gives it back, with real libvirt. No guest system boots. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { AdoptedDomainProps, provider } from "../../components/domain/adopt/adoptedDomain.provider";
import { AdoptedDomainInputs } from "../../components/domain/adopt/adoptedDomain";
import { run } from "../../core/exec.io";
import { sameMeaning } from "../../components/domain/adopt/adoption";
import { readObservation } from "../../components/host/observation";
import { runOnHost } from "../../core/link.io";
import { escapeHtml } from "../../core/html";
import { freePort } from "./loopback";

/** As people name their domains, and worse: every step has to take it as one word. */
const DOMAIN = `Ubuntu 24.04 Büro's "$(id)" 5%40 @@ ; --all 'x' ${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "mirlab-adopted-"));
let port = 0;

const DEFINITION = `<domain type='qemu'>
  <name>${escapeHtml(DOMAIN)}</name>
  <title>A desk of its own</title>
  <metadata><note:it xmlns:note='urn:example:note'>keep &amp; care</note:it></metadata>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1' passwd='example'/>
    <video><model type='cirrus'/></video>
  </devices>
</domain>`;

async function virsh(...args: string[]): Promise<string> {
  const result = await run(["virsh", "--quiet", "--connect", "qemu:///system", ...args]);
  assert.equal(result.code, 0, `virsh ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.toString();
}

/** Defines the domain. XML without a UUID is a new domain, so one of this name is removed first. */
async function defineText(text: string): Promise<void> {
  if (!text.includes("<uuid>")) await removeDomain();
  const file = join(folder, "define.xml");
  writeFileSync(file, text, { mode: 0o600 });
  await virsh("define", file);
}

const inactive = (): Promise<string> => virsh("dumpxml", "--inactive", "--security-info", DOMAIN);
const state = async (): Promise<string> => (await virsh("domstate", DOMAIN)).trim();
const originalFile = join(folder, "guest", "original.xml");

async function removeDomain(): Promise<void> {
  const quiet = ["virsh", "--quiet", "--connect", "qemu:///system"];
  await run([...quiet, "destroy", DOMAIN]);
  await run([...quiet, "undefine", DOMAIN]);
}

const inputs = (changes: Partial<AdoptedDomainInputs> = {}): AdoptedDomainInputs => ({
  domain: DOMAIN,
  stack: "test",
  guest: "one",
  directory: join(folder, "guest"),
  wantedAcceleration: "auto",
  restart: "never",
  spice: { port, clipboard: false, fileTransfer: false },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  shareTag: "share",
  share: { path: folder, readonly: true },
  ...changes,
});

async function create(changes: Partial<AdoptedDomainInputs> = {}): Promise<AdoptedDomainProps> {
  const { id, outs } = await provider.create(inputs(changes));
  assert.ok(outs);
  assert.equal(id, outs.uuid);
  return outs;
}

/** Runs refresh, then checks whether `up` would change anything. */
async function refreshed(
  props: AdoptedDomainProps,
): Promise<{ props: AdoptedDomainProps; changes: boolean }> {
  const result = await provider.read?.(props.uuid, props);
  assert.equal(result?.id, props.uuid);
  assert.ok(result.props);
  const diff = await provider.diff?.(props.uuid, result.props, inputs());
  return { props: result.props, changes: diff?.changes === true };
}

/** Puts a `virsh` first on PATH whose `shutdown` is obeyed at once, as an idle guest would. */
async function withObedientGuest(work: () => Promise<void>): Promise<void> {
  const path = process.env.PATH ?? "";
  const real = (await run(["bash", "-c", "command -v virsh"])).stdout.toString().trim();
  writeFileSync(
    join(folder, "virsh"),
    `#!/bin/bash\nargs=("$@")\nfor i in "\${!args[@]}"; do [[ \${args[i]} != shutdown ]] || args[i]=destroy; done\n` +
      `exec '${real}' "\${args[@]}"\n`,
  );
  chmodSync(join(folder, "virsh"), 0o755);
  process.env.PATH = `${folder}:${path}`;
  try {
    await work();
  } finally {
    process.env.PATH = path;
    rmSync(join(folder, "virsh"));
  }
}

describe("an adopted domain", { timeout: 300_000 }, () => {
  let original = "";

  before(async () => {
    const started = await run(["scripts/host/libvirtd.sh", "start"], { timeoutMs: 90_000 });
    assert.equal(started.code, 0, started.stderr);
    port = await freePort();
    // QEMU's user has to be able to enter the shared folder.
    chmodSync(folder, 0o755);
  });
  beforeEach(async () => {
    await defineText(DEFINITION);
    original = await inactive();
  });
  afterEach(async () => {
    await removeDomain();
    rmSync(join(folder, "guest"), { recursive: true, force: true });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("has the page's hardware, runs, and is given back unchanged", async () => {
    const props = await create();
    const edited = await inactive();
    assert.match(
      edited,
      new RegExp(
        `<graphics type='spice' port='${port}' autoport='no' listen='127.0.0.1' passwd='[\\w-]{32}'>`,
      ),
    );
    assert.match(
      edited,
      /<model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1' primary='yes'\/>/,
    );
    assert.match(edited, /com\.redhat\.spice\.0[\s\S]*org\.qemu\.guest_agent\.0/);
    assert.match(edited, /<filesystem type='mount' accessmode='mapped'>[\s\S]*<readonly\/>/);
    assert.match(edited, /<input type='tablet' bus='usb'>/);
    assert.match(edited, /<note:it xmlns:note="urn:example:note">keep &amp; care<\/note:it>/);
    assert.match(edited, /<title>A desk of its own<\/title>/);
    assert.doesNotMatch(edited, /vnc|cirrus/);
    assert.equal(await state(), "running");
    assert.deepEqual(
      [props.acceleration, props.running, props.pending, props.boots, props.intact],
      ["tcg", true, "", 1, true],
    );
    assert.equal(props.originalXml, original);
    assert.equal(readFileSync(originalFile, "utf8"), original);
    assert.equal(statSync(originalFile).mode & 0o777, 0o600);
    assert.equal((await refreshed(props)).changes, false);

    await provider.delete?.(props.uuid, props);
    const back = await inactive();
    assert.ok(sameMeaning(back, original), back);
    assert.match(back, /passwd='example'/);
    assert.equal(await state(), "running");
    assert.equal(existsSync(originalFile), false);
  });

  it("gets its tablet on virtio where every USB port is taken, and is given back unchanged", async () => {
    const redirdev = "<redirdev bus='usb' type='spicevmc'/>";
    const full = DEFINITION.replace(
      "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1' passwd='example'/>",
      `<controller type='usb' index='0' model='piix3-uhci'/><graphics type='spice' autoport='yes'/>${redirdev}${redirdev}`,
    );
    assert.notEqual(full, DEFINITION);
    await defineText(full);
    const own = await inactive();
    const props = await create();
    assert.match(await inactive(), /<input type='tablet' bus='virtio'>/);
    assert.equal((await refreshed(props)).changes, false);
    await provider.delete?.(props.uuid, props);
    assert.ok(sameMeaning(await inactive(), own), await inactive());
  });

  it("is observed by the host's contract, whatever it is called", async () => {
    const words = ["domain", DOMAIN, "domain", "no such 'domain'"];
    const told = await runOnHost(undefined, "observe.sh", ["-", ...words]);
    assert.equal(told.code, 0, told.stderr);
    const seen = readObservation(told.stdout.toString());
    assert.equal(seen.value(`domain ${DOMAIN}`, "state"), "shut off");
    assert.equal(seen.value("domain no such 'domain'", "state"), "missing");
  });

  it("keeps the owner's later changes when it is given back", async () => {
    const props = await create();
    const edited = await inactive();
    const slower = edited.replace("</features>", "<apic/></features>").replace("A desk", "A table");
    assert.notEqual(slower, edited);
    await defineText(slower);
    await provider.delete?.(props.uuid, props);
    const back = await inactive();
    assert.match(back, /<apic\/>[\s\S]*/);
    assert.match(back, /<title>A table of its own<\/title>/);
    assert.match(
      back,
      /<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1' passwd='example'>/,
    );
    assert.match(back, /<model type='cirrus'/);
    assert.doesNotMatch(back, /spice|qxl|mirlab:|guest_agent|tablet|filesystem/);
    // It starts with its owner's definition.
    await virsh("destroy", DOMAIN);
    await virsh("start", DOMAIN);
  });

  it("is adopted once although a run was killed before it wrote the state", async () => {
    const first = await create();
    const second = await create();
    assert.equal(second.originalXml, original);
    assert.equal(second.uuid, first.uuid);
    assert.equal(readFileSync(originalFile, "utf8"), original);
    await provider.delete?.(second.uuid, second);
    assert.ok(sameMeaning(await inactive(), original));
  });

  it("is not adopted again when its definition from before is lost", async () => {
    await create();
    rmSync(originalFile);
    await assert.rejects(create(), {
      message:
        `${DOMAIN}: found it marked by this guest, but no file at ${originalFile}; need its ` +
        `definition from before the adoption; fix: restore the file, or, to use the present definition, ` +
        `remove the mark: 'virsh metadata ${DOMAIN} --uri urn:mirlab:1 --remove --config'`,
    });
    await virsh("metadata", DOMAIN, "--uri", "urn:mirlab:1", "--remove", "--config");
    await create();
  });

  it("is healed after a change by hand", async () => {
    const props = await create();
    await defineText((await inactive()).replace(/<model type='qxl'[^>]*>/, "<model type='vga'/>"));
    const drifted = await refreshed(props);
    assert.deepEqual(
      [drifted.props.drift, drifted.props.intact, drifted.changes],
      [["video"], false, true],
    );
    const healed = await provider.update?.(props.uuid, drifted.props, inputs());
    assert.match(await inactive(), /<model type='qxl'/);
    assert.equal(healed?.outs?.originalXml, original);
    assert.equal((await refreshed(healed?.outs)).changes, false);
  });

  it("is started again when somebody shut it down", async () => {
    const props = await create();
    await virsh("destroy", DOMAIN);
    const down = await refreshed(props);
    assert.deepEqual([down.props.running, down.props.intact, down.changes], [false, true, true]);
    const up = await provider.update?.(props.uuid, down.props, inputs());
    assert.equal(up?.outs?.boots, 2);
    assert.equal(up?.outs?.bootId, `${props.uuid}#2`);
  });

  it("is not power cycled if that is not allowed, and up reports that one is due", async () => {
    await virsh("start", DOMAIN);
    const props = await create();
    assert.deepEqual([props.pending, props.boots], ["power cycle", 0]);
    assert.match(await virsh("dumpxml", DOMAIN), /type='vnc'/);
    const seen = await refreshed(props);
    assert.deepEqual([seen.props.pending, seen.changes], ["power cycle", false]);
    const diff = await provider.diff?.(props.uuid, seen.props, inputs({ restart: "shutdown" }));
    assert.equal(diff?.changes, true);
  });

  it("is shut down cleanly and started if that is allowed", async () => {
    await virsh("start", DOMAIN);
    await withObedientGuest(async () => {
      const props = await create({ restart: "shutdown" });
      assert.deepEqual([props.pending, props.boots, props.running], ["", 1, true]);
    });
    assert.match(await virsh("dumpxml", DOMAIN), /<graphics type='spice'/);
  });

  it("keeps its state when it is redefined but cannot be started", async () => {
    await virsh("start", DOMAIN, "--paused");
    await assert.rejects(
      create(),
      (error: { id?: string; properties?: AdoptedDomainProps; reasons?: string[] }) => {
        assert.deepEqual(error.reasons, [
          `${DOMAIN}: found it paused; need it running or shut off; fix: 'virsh resume ${DOMAIN}'`,
        ]);
        assert.equal(error.properties?.originalXml, original);
        assert.equal(error.id, error.properties?.uuid);
        assert.equal(error.properties?.running, false);
        return true;
      },
    );
  });

  const foreign = (inside: string): string =>
    DEFINITION.replace(
      "<metadata>",
      `<metadata><mirlab:owner xmlns:mirlab='urn:mirlab:1'>${inside}</mirlab:owner>`,
    );
  const OTHER = "<mirlab:stack>prod</mirlab:stack><mirlab:guest>desk</mirlab:guest>";
  const SELF = "<mirlab:stack>test</mirlab:stack><mirlab:guest>one</mirlab:guest>";
  const owners: [string, string, string][] = [
    [
      "another stack adopted",
      `${OTHER}<mirlab:adopted/>`,
      "found it adopted by guest 'desk' of stack 'prod'",
    ],
    ["another stack made", OTHER, "found it created by guest 'desk' of stack 'prod'"],
    ["this very guest made", SELF, "found it created by guest 'one' of stack 'test'"],
  ];
  for (const [who, inside, found] of owners) {
    it(`is refused when ${who} it`, async () => {
      await defineText(foreign(inside));
      const before = await inactive();
      await assert.rejects(create(), {
        message:
          `${DOMAIN}: ${found}; need a domain that no other guest has; fix: run 'down' there, or, if ` +
          `that lab is gone, remove its mark: ` +
          `'virsh metadata ${DOMAIN} --uri urn:mirlab:1 --remove --config'`,
      });
      assert.equal(await inactive(), before);
      assert.equal(existsSync(originalFile), false);
    });
  }

  it("is refused when it is absent, transient, of another type, or has a share of that tag", async () => {
    await assert.rejects(create({ domain: "no-such" }), (error: Error) => {
      assert.match(
        error.message,
        /^no-such: found no such domain in qemu:\/\/\/system \(there are .*\); need one that 'virsh --connect qemu:\/\/\/system list --all' shows; fix: set/,
      );
      return error.message.includes(DOMAIN);
    });
    await assert.rejects(
      create({ wantedAcceleration: "kvm" }),
      /found domain type 'qemu'; need acceleration kvm; fix:/,
    );
    const own =
      "<filesystem type='mount'><source dir='/mnt'/><target dir='share'/></filesystem></devices>";
    await defineText(DEFINITION.replace("</devices>", own));
    await assert.rejects(create(), /found its own filesystem with the tag 'share' \(\/mnt\)/);
    await virsh("undefine", DOMAIN);
    writeFileSync(join(folder, "define.xml"), DEFINITION, { mode: 0o600 });
    await virsh("create", join(folder, "define.xml"));
    await assert.rejects(create(), /found a transient domain; need a persistent one; fix:/);
  });

  it("is reported as gone when its owner has removed it, and `down` succeeds", async () => {
    const props = await create();
    await removeDomain();
    const result = await provider.read?.(props.uuid, props);
    assert.equal(result?.id, undefined);
    await provider.delete?.(props.uuid, props);
    assert.equal(readFileSync(originalFile, "utf8"), original);
  });

  it("is left alone by `down` when it carries no mark any more", async () => {
    const props = await create();
    await virsh("metadata", DOMAIN, "--uri", "urn:mirlab:1", "--remove", "--config");
    const before = await inactive();
    await provider.delete?.(props.uuid, props);
    assert.equal(await inactive(), before);
    assert.equal(existsSync(originalFile), true);
  });

  it("is not reported as gone when libvirt does not answer", async () => {
    const props = await create();
    const host = { config: "/dev/null", alias: "127.0.0.1" };
    const path = process.env.PATH;
    writeFileSync(join(folder, "ssh"), "#!/bin/sh\necho 'Connection refused' >&2\nexit 255\n", {
      mode: 0o755,
    });
    process.env.PATH = `${folder}:${path ?? ""}`;
    try {
      const read = provider.read?.(props.uuid, { ...props, host });
      await assert.rejects(
        read as Promise<unknown>,
        /connection to the lab host.*Connection refused/,
      );
    } finally {
      process.env.PATH = path;
    }
  });
});
