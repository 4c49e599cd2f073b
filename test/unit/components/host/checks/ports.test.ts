import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wantedPorts } from "../../../../../components/host/checks/ports";
import { HostFacts, PortFact } from "../../../../../components/host/facts";
import { faults, lab } from "./host";

const LAB = lab({}, { spice: { port: 5900 }, network: { sshPort: 2222 } });
const free = (port: number): PortFact => ({ port, owner: undefined, holder: undefined });
const with5900 = (change: Partial<PortFact>, running: string[] = []): Partial<HostFacts> => ({
  ports: [free(2222), { ...free(5900), ...change }],
  running,
});
const NEED = "need a free port; fix: set guests[1].spice.port to another port";

describe("checkHost, of ports that the configuration names", () => {
  it("checks those and no others", () => {
    assert.deepEqual(
      wantedPorts(LAB).map(({ port, path }) => [port, path]),
      [
        [5900, "guests[1].spice.port"],
        [2222, "guests[1].network.sshPort"],
      ],
    );
  });

  const table: [string, Partial<HostFacts>, string[]][] = [
    ["that are free", with5900({}), []],
    ["that this guest reserved", with5900({ owner: "dev.g1" }), []],
    [
      "that this guest reserved and listens on",
      with5900({ owner: "dev.g1", holder: "qemu-system-x86 (pid 7)" }, ["mirlab-dev-g1"]),
      [],
    ],
    [
      "that another guest reserved",
      with5900({ owner: "other.g1" }),
      [`fail guests[1].spice.port port: found port 5900 reserved by other.g1; ${NEED}`],
    ],
    [
      "that a program holds",
      with5900({ holder: "nginx (pid 42)" }),
      [
        `fail guests[1].spice.port port: found port 5900 in use by nginx (pid 42); ${NEED}, or end that process`,
      ],
    ],
    [
      "that a program took while the guest was shut off",
      with5900({ owner: "dev.g1", holder: "nginx (pid 42)" }),
      [
        `fail guests[1].spice.port port: found port 5900 in use by nginx (pid 42); ${NEED}, or end that process`,
      ],
    ],
    [
      "that it cannot check yet",
      { ports: [free(2222)] },
      ["info guests[1].spice.port port: port 5900 (not checked: package iproute2 is missing)"],
    ],
  ];
  for (const [what, facts, expected] of table) {
    it(`judges ports ${what}`, () => assert.deepEqual(faults(facts, LAB), expected));
  }
});
