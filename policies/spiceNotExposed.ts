import { domainPolicy } from "./kit";

const CLOSED = ["127.0.0.1", "::1", "localhost", "socket", "none"];

export const spiceNotExposed = domainPolicy<{ readonly clientVerified: readonly string[] }>(
  {
    name: "spice-not-exposed",
    description:
      "A screen listens on loopback or a socket; elsewhere only with TLS, verified clients and a ticket.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "Whoever reaches an open SPICE port can see the screen and type.",
    remediationSteps:
      "Listen on 127.0.0.1 or a socket. For viewers elsewhere: defaultMode secure, no plain port, a ticket, and clients verified on the host (qemu.conf).",
    config: {
      clientVerified: {
        ...{ type: "array", items: { type: "string", minLength: 1 }, default: [] },
        description:
          "Domains on a host that verifies clients' certificates (qemu.conf); no input shows that setting.",
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
        report({
          what: `screen of '${name}'`,
          found: `it on ${listen} without ${lacks.join(", without ")}`,
          need: "a screen that is closed to others",
          fix: "listen on 127.0.0.1 or a socket, or add what is missing",
        });
      }
    }
  },
);
