/** The lab's libvirt network, created by the engine, and recreated under a running guest. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { runOnHost } from "../../core/link.io";
import { toXml, Tree } from "../../core/xml";
import { temporaryFolder } from "../unit/support";
import { TestLab, virsh } from "./support";

const STACK = "nettest";
const NETWORK = `mirlab-${STACK}`;
const DOMAIN = `${NETWORK}-g1`;
/** The guest's domain, paused, so that it sends nothing: the test needs only its network card. */
const domain: Tree = [
  "domain",
  { type: "qemu" },
  ["name", {}, DOMAIN],
  ["memory", { unit: "MiB" }, "64"],
  ["os", {}, ["type", { arch: "x86_64", machine: "q35" }, "hvm"]],
  [
    "devices",
    {},
    [
      "interface",
      { type: "network" },
      ["source", { network: NETWORK }],
      ["model", { type: "virtio" }],
    ],
  ],
];
const lab = new TestLab({
  stack: STACK,
  guests: [{ name: "g1", network: { mode: "nat" }, share: { enabled: false } }],
  host: { natSubnet: "192.168.137.0/24" },
});

/** Only the host's part of the lab: no guest is created. */
const HOST = ["--target", "**mirlab:index:LabHost**"];
const upHost = () => lab.pulumi("up", "--yes", "--skip-preview", ...HOST);

const tapOf = async (): Promise<string> =>
  /vnet\d+/.exec(await virsh("domiflist", DOMAIN))?.[0] ?? "";

async function bridgeOfTap(): Promise<string> {
  const tap = await tapOf();
  const { stdout } = await run(["ip", "-o", "link", "show", "dev", tap]);
  return / master (\S+)/.exec(stdout.toString())?.[1] ?? "none";
}

describe("the lab's network", () => {
  before(async () => {
    await lab.init();
  });
  after(async () => {
    await virsh("destroy", DOMAIN);
    await lab.dispose();
  });

  it("is created with the stack's mark and its guests' addresses", async () => {
    const { code, text } = await upHost();
    assert.equal(code, 0, text);
    const xml = await virsh("net-dumpxml", "--inactive", NETWORK);
    assert.match(xml, /<mirlab:stack>nettest<\/mirlab:stack>/);
    assert.match(xml, /<host mac='52:54:00:[0-9a-f:]+' ip='192\.168\.137\.\d+'\/>/);
  });

  it("is refused to another stack, and names its owner", async () => {
    const { code, stderr } = await runOnHost(undefined, "orphan.sh", ["network", NETWORK, "other"]);
    assert.notEqual(code, 0);
    assert.match(stderr, /of stack nettest; need the name free; .*virsh net-undefine/);
    assert.match(await virsh("net-info", NETWORK), /Active: +yes/);
  });

  it("is refused to somebody else's stack of this name, like all of the lab", async () => {
    const owner = join(lab.home, "owner");
    const ours = readFileSync(owner, "utf8");
    const before = await virsh("net-dumpxml", NETWORK);
    writeFileSync(owner, "bob@desk-0123abcd\n");
    await lab.loseState();
    const { code, text } = await upHost();
    assert.notEqual(code, 0);
    assert.match(
      text,
      /found \S+\/nettest marked as of lab 'nettest \S+'; need one of 'nettest bob@desk-0123abcd'; fix: choose another stack name or host\.dataDir/,
    );
    assert.ok(text.includes(`'nettest ${ours.trim()}'`), "the owner is named");
    assert.equal(await virsh("net-dumpxml", NETWORK), before);
    writeFileSync(owner, ours);
  });

  it("is recreated when the state is lost, and running guests are connected again", async () => {
    const file = join(temporaryFolder(), "domain.xml");
    writeFileSync(file, toXml(domain));
    await virsh("create", "--paused", file);
    assert.match(await bridgeOfTap(), /^virbr\d+$/);
    await lab.loseState();
    const { code, text } = await upHost();
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`connected ${DOMAIN} to ${NETWORK} again`));
    assert.match(await bridgeOfTap(), /^virbr\d+$/);
  });

  const cuts: [what: string, cut: () => Promise<unknown>, named: RegExp][] = [
    [
      "whose network was stopped",
      () => virsh("net-destroy", NETWORK),
      /network mirlab-nettest: declared active, found inactive; up starts it/,
    ],
    [
      "that another program took out of its bridge",
      async () => run(["ip", "link", "set", "dev", await tapOf(), "nomaster"]),
      /network mirlab-nettest: card of mirlab-nettest-g1 declared in its bridge, found vnet\d+ outside virbr\d+; up connects it again/,
    ],
  ];
  for (const [what, cut, named] of cuts)
    it(`connects a running guest again ${what}`, async () => {
      await cut();
      assert.equal(await bridgeOfTap(), "none");
      const preview = await lab.pulumi("preview", ...HOST);
      assert.match(preview.text, named);
      const { code, text } = await upHost();
      assert.equal(code, 0, text);
      assert.match(await bridgeOfTap(), /^virbr\d+$/);
      const quiet = await lab.pulumi("preview", ...HOST);
      assert.doesNotMatch(quiet.text, /network mirlab-nettest: /);
    });
});
