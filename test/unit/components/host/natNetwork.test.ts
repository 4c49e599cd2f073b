import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { natAddresses, networkMark } from "../../../../components/host/natNetwork";
import { toXml } from "../../../../core/xml";

const SUBNET = "192.168.130.0/24";

describe("natAddresses", () => {
  // These values are in people's states and known_hosts: they must never change.
  it("derives each guest's address from its name", () => {
    assert.deepEqual(Object.fromEntries(natAddresses(SUBNET, ["mir", "mir2", "ada", "bob"])), {
      mir: "192.168.130.157",
      mir2: "192.168.130.101",
      ada: "192.168.130.71",
      bob: "192.168.130.82",
    });
  });

  it("takes the prefix of the subnet", () => {
    assert.equal(natAddresses("10.1.2.0/24", ["mir"]).get("mir"), "10.1.2.157");
  });

  it("gives the next slot to the second of two colliding names", () => {
    assert.deepEqual(Object.fromEntries(natAddresses(SUBNET, ["g45", "g35"])), {
      g35: "192.168.130.38",
      g45: "192.168.130.39",
    });
  });

  it("gives every guest a different address, in any order of the guests", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,6}$/), { maxLength: 64 });
    fc.assert(
      fc.property(names, (guests) => {
        const addresses = natAddresses(SUBNET, guests);
        assert.deepEqual([...addresses.keys()].sort(), [...guests].sort());
        const hosts = [...addresses.values()].map((a) => Number(a.split(".")[3]));
        assert.equal(new Set(hosts).size, guests.length);
        assert.ok(hosts.every((host) => host >= 10 && host <= 249));
        assert.deepEqual(natAddresses(SUBNET, [...guests].reverse()), addresses);
      }),
    );
  });
});

describe("networkMark", () => {
  it("is metadata in a namespace of our own, as libvirt asks for", () => {
    assert.equal(
      toXml(networkMark("dev"), ["mirlab"]),
      `<metadata xmlns:mirlab="urn:mirlab:1"><mirlab:owner><mirlab:stack>dev</mirlab:stack></mirlab:owner></metadata>`,
    );
  });
});
