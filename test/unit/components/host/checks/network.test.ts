import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { overlap } from "../../../../../components/host/checks/network";
import { HostFacts } from "../../../../../components/host/facts";
import { faults, findings, lab } from "./host";

const NAT = lab({ network: { mode: "nat" } });
const network = (name: string, bridge: string | undefined, address: string) => ({
  ...{ name, bridge, address },
});

describe("checkHost, of the subnet of the lab's network", () => {
  const fail = (holder: string): string[] => [
    `fail host.natSubnet nat-subnet: found 192.168.130.0/24 in use by ${holder}; need a subnet that nothing else on the host uses; fix: set host.natSubnet to another private /24, e.g. '10.213.77.0/24'`,
  ];
  const table: [what: string, facts: Partial<HostFacts>, expected: string[]][] = [
    ["that nothing uses", { routes: [{ cidr: "192.168.1.0/24", device: "eth0" }] }, []],
    [
      "that its own network uses already",
      {
        networks: [network("mirlab-dev", "virbr3", "192.168.130.1")],
        routes: [{ cidr: "192.168.130.0/24", device: "virbr3" }],
      },
      [],
    ],
    [
      "that another stack's network has, running or not",
      { networks: [network("mirlab-other", undefined, "192.168.130.1")] },
      fail("libvirt's network mirlab-other"),
    ],
    [
      "that a bridge of the host has",
      { routes: [{ cidr: "192.168.130.0/24", device: "br0" }] },
      fail("br0 (192.168.130.0/24)"),
    ],
    [
      "that is a part of a route through a tunnel",
      {
        networks: [network("mirlab-dev", "virbr3", "192.168.130.1")],
        routes: [{ cidr: "192.168.0.0/16", device: "tun0" }],
      },
      fail("tun0 (192.168.0.0/16)"),
    ],
  ];
  for (const [what, facts, expected] of table) {
    it(what, () => assert.deepEqual(faults(facts, NAT), expected));
  }

  it("finds nothing for guests that are not on it", () => {
    const facts = { routes: [{ cidr: "192.168.130.0/24", device: "br0" }] };
    assert.deepEqual(
      findings(facts, lab({})).filter(({ id }) => id === "nat-subnet"),
      [],
    );
  });
});

describe("overlap", () => {
  const table: [string, string, boolean][] = [
    ["10.0.0.0/24", "10.0.0.7", true],
    ["10.0.0.0/24", "10.0.1.0/24", false],
    ["10.0.0.0/24", "10.0.0.0/8", true],
    ["10.0.0.0/8", "10.255.255.0/24", true],
    ["192.168.130.0/24", "0.0.0.0/1", false],
    ["192.168.130.0/24", "128.0.0.0/1", true],
    ["255.255.255.0/24", "255.255.255.255", true],
  ];
  for (const [one, other, expected] of table) {
    it(`of ${one} and ${other} is ${expected}`, () => {
      assert.equal(overlap(one, other), expected);
      assert.equal(overlap(other, one), expected);
    });
  }
});
