import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { before, beforeEach, describe, it } from "node:test";
import { mockEngine, providerOf, registered, resourceNamed, valueOf } from "../../pulumi";
import { ROOT, temporaryFolder } from "../../support";

mockEngine(() => ({
  clientPublicKey: "ssh-ed25519 AAAA",
  hostPublicKey: "ssh-ed25519 BBBB",
  intact: true,
}));
process.chdir(ROOT);

const home = temporaryFolder();
let directory = "";
let count = 0;

/** What the engine passes to the provider: the inputs, with its own `__provider`. */
function inputs(change: object = {}): Record<string, unknown> {
  const screen = { title: "Mir: mir", port: 5901 };
  const named = { alias: "mirlab-dev-mir", hostName: "127.0.0.1", port: 20022, user: "mir" };
  return { directory, ...named, screen, __provider: "exports.handler = () => ({})", ...change };
}

const at = (name: string): string => join(directory, name);
const text = (name: string): string => readFileSync(at(name), "utf8");
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
/** The public half that OpenSSH itself derives from a private key. */
const publicOf = (name: string): string =>
  execFileSync("ssh-keygen", ["-y", "-P", "", "-f", at(name)])
    .toString()
    .trim();
const bare = (key: string): string => key.split(" ").slice(0, 2).join(" ");

let provider: ReturnType<typeof providerOf>;

before(async () => {
  const { GuestAccess } = await import("../../../../components/access/access.resource");
  const access = new GuestAccess("access", {
    directory: "/nowhere",
    alias: "mirlab-dev-mir",
    hostName: "127.0.0.1",
    port: 20022,
    user: "mir",
    screen: { title: "Mir: mir", port: 5901 },
  });
  assert.deepEqual(await valueOf(access.target), {
    config: "/nowhere/ssh_config",
    alias: "mirlab-dev-mir",
  });
  provider = providerOf(resourceNamed("access"));
});

beforeEach(() => {
  directory = join(home, String(count++), "dev", "mir");
});

/** What `create` puts in the state, as the state carries it. */
async function create(change: object = {}): Promise<Record<string, unknown>> {
  const { id, outs } = (await provider.create(inputs(change))) as { id: string; outs: unknown };
  assert.equal(id, "mirlab-dev-mir");
  return JSON.parse(JSON.stringify(outs)) as Record<string, unknown>;
}

const intact = async (state: object): Promise<unknown> =>
  ((await provider.read?.("mirlab-dev-mir", state))?.props as { intact: unknown }).intact;

describe("GuestAccess in the state", () => {
  it("has the type that policies know, and no provider code of its own", () => {
    const resource = registered.find((r) => r.name === "access");
    assert.equal(resource?.type, "pulumi-nodejs:dynamic/mir:GuestAccess");
    const code = resource.inputs.__provider as string;
    assert.match(code, /guestAccess/);
    assert.doesNotMatch(code, /ssh-keygen/);
    assert.ok(!code.includes(ROOT), "a machine's path is in the state");
  });
});

describe("GuestAccess, created", () => {
  it("makes keys that OpenSSH reads, for their owner only", async () => {
    const state = await create();
    assert.equal(mode(directory), "700");
    for (const name of readdirSync(directory)) {
      if (!name.endsWith(".pub")) assert.equal(mode(at(name)), "600", name);
    }
    assert.equal(bare(publicOf("id_ed25519")), bare(state.clientPublicKey as string));
    assert.equal(bare(publicOf("host_ed25519")), bare(state.hostPublicKey as string));
    assert.notEqual(state.clientPublicKey, state.hostPublicKey);
    assert.equal(text("known_hosts"), `mirlab-dev-mir ${bare(state.hostPublicKey as string)}\n`);
    assert.match(
      text("ssh_config"),
      /^Host mirlab-dev-mir\n {2}HostName 127\.0\.0\.1\n {2}Port 20022\n/,
    );
    assert.match(text("console.vv"), /\nport=5901\n/);
    assert.ok(text("console.vv").includes(`\npassword=${text("spice_ticket")}`));
    assert.deepEqual(
      readdirSync(directory).filter((n) => /partial|new/.test(n)),
      [],
    );
  });

  it("keeps no private key and no engine property in the state", async () => {
    const state = await create();
    assert.doesNotMatch(JSON.stringify(state), /PRIVATE KEY|__provider/);
    assert.ok(!JSON.stringify(state).includes(text("spice_ticket").trim()));
  });

  it("closes a folder that others could read", async () => {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    await create();
    assert.equal(mode(directory), "700");
  });

  it("keeps the keys when it is run again", async () => {
    const first = await create();
    const keys = text("id_ed25519") + text("host_ed25519");
    assert.deepEqual(await create(), first);
    assert.equal(text("id_ed25519") + text("host_ed25519"), keys);
  });

  it("derives a lost public half from the private one", async () => {
    const first = await create();
    const secret = text("id_ed25519");
    rmSync(at("id_ed25519.pub"));
    const again = await create();
    assert.equal(bare(again.clientPublicKey as string), bare(first.clientPublicKey as string));
    assert.equal(text("id_ed25519"), secret);
    assert.equal(bare(text("id_ed25519.pub")), bare(first.clientPublicKey as string));
  });

  it("makes a new pair when the private half is lost", async () => {
    const first = await create();
    rmSync(at("id_ed25519"));
    const again = await create();
    assert.notEqual(again.clientPublicKey, first.clientPublicKey);
    assert.equal(again.hostPublicKey, first.hostPublicKey);
    assert.equal(bare(publicOf("id_ed25519")), bare(again.clientPublicKey as string));
  });

  it("recovers from a kill between the two halves", async () => {
    mkdirSync(directory, { recursive: true });
    for (const name of [
      "id_ed25519.new",
      "id_ed25519.new.pub",
      "id_ed25519.pub",
      "ssh_config.partial",
    ]) {
      writeFileSync(at(name), "half");
    }
    const state = await create();
    assert.equal(bare(publicOf("id_ed25519")), bare(state.clientPublicKey as string));
    assert.equal(await intact(state), true);
  });

  it("refuses a private key that it cannot read, and leaves it", async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(at("id_ed25519"), "not a key", { mode: 0o600 });
    await assert.rejects(create(), {
      message: `${at("id_ed25519")}: found no readable private key; need one; fix: move the file away, then run 'up'`,
    });
    assert.equal(text("id_ed25519"), "not a key");
  });

  it("uses an installed guest's own key and host key, and generates none", async () => {
    const hostKey = "ssh-ed25519 AAAAinstalled root@old";
    const state = await create({ identityFile: "/home/ada/.ssh/id", hostKey });
    assert.deepEqual(readdirSync(directory).sort(), [
      ...["console.vv", "known_hosts", "spice_ticket", "ssh_config"],
    ]);
    assert.match(text("ssh_config"), /IdentityFile "\/home\/ada\/\.ssh\/id"/);
    assert.equal(text("known_hosts"), "mirlab-dev-mir ssh-ed25519 AAAAinstalled\n");
    assert.deepEqual([state.clientPublicKey, state.hostPublicKey], ["", hostKey]);
    assert.equal(await intact(state), true);
  });

  it("goes through the lab host where there is one", async () => {
    const jump = {
      alias: "mirlab-host",
      hostName: "lab.example",
      port: 22,
      user: "ada",
      identityFile: "/k",
      knownHostsFile: "/h",
    };
    await create({ jump });
    assert.match(
      text("ssh_config"),
      /ProxyCommand ssh -F \S+\/ssh_config -W '\[%h\]:%p' mirlab-host\n[^]*Host mirlab-host\n {2}HostName lab\.example\n/,
    );
  });
});

describe("GuestAccess, read", () => {
  it("is intact as created", async () => assert.equal(await intact(await create()), true));

  const files = [
    "id_ed25519",
    "id_ed25519.pub",
    "host_ed25519",
    "host_ed25519.pub",
    "known_hosts",
    "ssh_config",
  ];
  for (const name of [...files, "console.vv", "spice_ticket"]) {
    it(`detects a lost ${name}`, async () => {
      const state = await create();
      rmSync(at(name));
      assert.equal(await intact(state), false);
    });
  }
  const changed: [string, object][] = [
    ["known_hosts", {}],
    ["ssh_config", {}],
    ["console.vv", {}],
    ["host_ed25519.pub", {}],
  ];
  it("generates a new ticket if others could read the old one", async () => {
    const state = await create();
    const was = text("spice_ticket");
    chmodSync(at("spice_ticket"), 0o644);
    assert.equal(await intact(state), false);
    await provider.update?.("mirlab-dev-mir", state, inputs());
    assert.notEqual(text("spice_ticket"), was);
    assert.equal(mode(at("spice_ticket")), "600");
  });
  for (const [name, options] of changed) {
    it(`detects a changed ${name}, and an update restores it`, options, async () => {
      const state = await create();
      const was = text(name);
      writeFileSync(at(name), was.replace(/[A-Z]([^A-Z]*)$/, "x$1"));
      assert.equal(await intact(state), false);
      const drift = await provider.diff?.("mirlab-dev-mir", { ...state, intact: false }, inputs());
      assert.deepEqual([drift?.changes, drift?.replaces], [true, []]);
      const updated = await provider.update?.("mirlab-dev-mir", state, inputs());
      assert.equal(bare(text(name)), bare(was));
      assert.equal(await intact(updated?.outs as object), true);
    });
  }

  it("cannot be imported", async () => {
    await assert.rejects(
      Promise.resolve(provider.read?.("x", undefined)),
      /^Error: x: cannot be imported$/,
    );
  });
});

describe("GuestAccess, compared", () => {
  const table: [string, object, boolean, string[]][] = [
    ["nothing", {}, false, []],
    ["the port", { port: 20023 }, true, []],
    ["the screen", { screen: { title: "Mir: mir", port: 5902 } }, true, []],
    ["the folder", { directory: "/elsewhere" }, true, ["directory"]],
    ["the name", { alias: "mirlab-dev-b" }, true, ["directory"]],
  ];
  for (const [what, change, changes, replaces] of table) {
    it(`finds ${changes ? "a change" : "none"} when ${what} changed`, async () => {
      const diff = await provider.diff?.("mirlab-dev-mir", await create(), inputs(change));
      assert.deepEqual([diff?.changes, diff?.replaces], [changes, replaces]);
    });
  }
});

describe("GuestAccess, deleted", () => {
  it("removes its own files and folder", async () => {
    const state = await create();
    await provider.delete?.("mirlab-dev-mir", state);
    assert.equal(existsSync(directory), false);
  });

  it("leaves other files", async () => {
    const state = await create();
    writeFileSync(at("notes.txt"), "mine");
    await provider.delete?.("mirlab-dev-mir", state);
    assert.deepEqual(readdirSync(directory), ["notes.txt"]);
  });

  it("never touches an installed guest's own key", async () => {
    const own = join(home, "own-key");
    writeFileSync(own, "key");
    const state = await create({ identityFile: own, hostKey: "ssh-ed25519 AAAA" });
    await provider.delete?.("mirlab-dev-mir", state);
    assert.equal(readFileSync(own, "utf8"), "key");
  });

  it("succeeds if nothing is left to delete", async () => {
    const state = await create();
    rmSync(directory, { recursive: true });
    await provider.delete?.("mirlab-dev-mir", state);
    assert.equal(existsSync(directory), false);
  });
});
