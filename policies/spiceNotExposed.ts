import { domainPolicy } from "./kit";

const CLOSED = ["127.0.0.1", "::1", "localhost", "socket", "none"];

export const spiceNotExposed = domainPolicy<{ readonly clientVerified: readonly string[] }>(
  {
    name: "spice-not-exposed",
    description:
      "A screen is reached on loopback or by a socket; elsewhere only by TLS, with verified clients and a ticket.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "Whoever reaches an open SPICE port sees the screen and types into it.",
    remediationSteps:
      "Listen on 127.0.0.1 or a socket. For viewers elsewhere: defaultMode secure, no plain port, a ticket, and clients verified on the host (qemu.conf).",
    config: {
      clientVerified: {
        ...{ type: "array", items: { type: "string", minLength: 1 }, default: [] },
        description:
          "Domains whose host verifies clients' certificates: a setting of the host (qemu.conf), which no input shows.",
      },
    },
  },
  ({ name, graphics }, report, { clientVerified }) => {
    for (const { listen, tlsOnly, ticket } of graphics) {
      if (CLOSED.includes(listen)) continue;
      const lacks = [
        ...(tlsOnly ? [] : ["TLS only (defaultMode='secure', no port)"]),
        ...(ticket ? [] : ["a ticket (passwd)"]),
        ...(clientVerified.includes(name) ? [] : ["its name in clientVerified of this policy"]),
      ];
      if (lacks.length > 0) {
        report(
          `The screen of '${name}' must not be open to others, found it on ${listen} without ` +
            `${lacks.join(", without ")}; listen on 127.0.0.1 or a socket, or add what is missing.`,
        );
      }
    }
  },
);
