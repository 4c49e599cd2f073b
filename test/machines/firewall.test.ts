/** What the doctor says of a host's own firewall, by real nftables in a network namespace. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { before, describe, it } from "node:test";
import { findingText } from "../../components/host/checks/finding";
import { NETWORK_CHECKS } from "../../components/host/checks/network";
import { readHostFacts } from "../../components/host/facts";
import { run } from "../../core/exec.io";
import { lab } from "../unit/components/host/checks/host";
import { temporaryFolder } from "../unit/support";
import { makeUser, REAL_SUDO } from "./namespace";

/** Debian's example of a workstation, with its forwarding closed; what libvirt and Docker keep by iptables; IPv6. */
const RULES = `table inet filter {
  set friends { type ipv4_addr
    elements = { 192.0.2.1, 192.0.2.2 }
  }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname "lo" accept
    tcp dport { 22, 80 } accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
  }
  chain output {
    type filter hook output priority filter; policy drop;
    accept
  }
}
table ip filter {
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
  }
}
table ip6 closed {
  chain forward {
    type filter hook forward priority filter; policy drop;
  }
}
`;
const NAT = lab({ network: { mode: "nat" } });

const LOOK = "bash scripts/host/facts.sh full /tmp/none /tmp/none subnets";
const folder = temporaryFolder();
const UID = 23457;

/** As a login over SSH has it: without /usr/sbin in PATH. */
const AS_USER = `${makeUser({ name: "op", uid: UID, files: ["passwd", "shadow", "group", "gshadow", "sudoers"] })}
    echo 'op:*:19000:0:99999:7:::' >>/etc/shadow
    ${REAL_SUDO}
    export HOME=/tmp PATH=/usr/local/bin:/usr/bin:/bin
    exec setpriv --reuid=${UID} --regid=${UID} --clear-groups ${LOOK}`;

/** The findings of the doctor's look in a namespace with these rules, after a shell command. */
async function look(then = ":", doctor = LOOK): Promise<string[]> {
  const inside = `nft -f - <<'RULES'\n${RULES}RULES
    ${then.replaceAll("sudo ", "")}
    ${doctor}`;
  const words = ["test", folder, "op ALL=(ALL:ALL) NOPASSWD: ALL"];
  const argv = ["unshare", "--net", "--mount", "bash", "-ec", inside, ...words];
  const { code, stdout, stderr } = await run(argv);
  assert.equal(code, 0, stderr);
  const facts = readHostFacts(stdout.toString());
  const check = NETWORK_CHECKS.find(({ id }) => id === "nat-firewall");
  assert.ok(check);
  return check
    .judge(facts, NAT, "dev")
    .map((judged) => findingText({ id: check.id, group: check.group, ...judged }));
}

describe("a host's firewall in the way of the lab's network", () => {
  before(async () => {
    chmodSync(folder, 0o755);
    const made = await run(["scripts/host/packages.sh", "install", "nftables", "sudo"], {
      timeoutMs: 300_000,
    });
    assert.equal(made.code, 0, made.stderr);
  });

  it("is named by chain; its remedy, pasted, is enough", async () => {
    const found = await look();
    assert.deepEqual(
      found.map((text) => /chain (.*?),/.exec(text)?.[1]),
      ["inet filter input", "inet filter forward"],
    );
    const remedies = found.map((text) => /fix: (sudo .*); and the same/.exec(text)?.[1] ?? "false");
    assert.deepEqual(await look(remedies.join("; ")), []);
    // The second alone leaves the first.
    assert.equal((await look(remedies[1])).length, 1);
  });

  it("is seen by a user with sudo, whose PATH has no nft", async () => {
    assert.equal((await look(undefined, AS_USER)).length, 2);
  });

  it("is nothing where nothing is dropped", async () => {
    assert.deepEqual(await look("nft flush ruleset"), []);
  });
});
