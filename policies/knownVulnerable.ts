import { ADVISORIES, Advisory, Concern } from "../components/host/advisories";
import type { DomainParts } from "../components/domain/declaredParts";
import { domainPolicy } from "./kit";

interface Acknowledgement {
  readonly id: string;
  /** Last day, YYYY-MM-DD. */
  readonly until: string;
}

const CONCERNS: Readonly<Record<Concern, (domain: DomainParts) => boolean>> = {
  // Which version a host has is no input: the doctor asks it.
  "every-lab": () => false,
  "writable-share": ({ shares }) => shares.some((share) => !share.readonly && !share.virtiofs),
  "user-network": ({ userNetwork }) => userNetwork,
};

/** Known to be true, and not fixed by the distribution as far as the list knows. */
const isOpen = ({ status, fixedIn }: Advisory): boolean =>
  status === "verified" && fixedIn === undefined;

export const knownVulnerable = domainPolicy<{
  readonly acknowledged: readonly Acknowledgement[];
}>(
  {
    name: "known-vulnerable",
    description: "A guest uses no part with a known open weakness, unless that is acknowledged.",
    severity: "high",
    enforcementLevel: "advisory",
    why: "The page's own set-up, 9p, has one for which Debian 12 has no fix, so the lab could not start. Make it mandatory where guests are not trusted: then each has to be acknowledged.",
    remediationSteps:
      "Do as the message says; or acknowledge the CVE, with the day until which you take the risk.",
    config: {
      acknowledged: {
        type: "array",
        items: {
          type: "object",
          properties: {
            id: { type: "string", pattern: "^CVE-\\d{4}-\\d{4,}$" },
            until: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
          },
          required: ["id", "until"],
          additionalProperties: false,
        },
        default: [],
        description:
          'Weaknesses that are known and taken, each until a day: `{ "id": "CVE-...", "until": "2027-01-31" }`.',
      },
    },
  },
  (domain, report, { acknowledged }) => {
    const today = new Date().toISOString().slice(0, 10);
    for (const { id, concern, meaning, fix, fixedUpstream, part } of ADVISORIES.filter(isOpen)) {
      if (!CONCERNS[concern](domain)) continue;
      const until = acknowledged.find((a) => a.id === id)?.until;
      if (until !== undefined && until >= today) continue;
      const fixed = fixedUpstream === undefined ? "" : ` (fixed in ${part} ${fixedUpstream})`;
      const known = until === undefined ? "found none" : `found one that ended on ${until}`;
      report(
        `The guest '${domain.name}' must have ${id} acknowledged, ${known}: ${meaning}${fixed}; ` +
          `${fix}; or add { "id": "${id}", "until": "YYYY-MM-DD" } to acknowledged of this policy.`,
      );
    }
  },
);
