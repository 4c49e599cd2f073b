/** The subnet of the lab's libvirt network, nobody else's, and the host's firewall on its way. Pure. */
import { Lab } from "../../../config/schema";
import { shellWord } from "../../../core/quote";
import { DropFact, HostFacts } from "../facts";
import { HostCheck, Judged } from "./finding";
import { labNamed } from "../../../core/labNames";

/** An IPv4 address as a number. */
const numberOf = (address: string): number =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

/** Whether two subnets, or a subnet and an address, have an address in common. */
export function overlap(one: string, other: string): boolean {
  const [[a = "", aBits = "32"], [b = "", bBits = "32"]] = [one.split("/"), other.split("/")];
  const size = 2 ** (32 - Math.min(Number(aBits), Number(bBits)));
  return Math.floor(numberOf(a) / size) === Math.floor(numberOf(b) / size);
}

/** Who else uses the subnet; undefined: nobody. */
function holderOf(facts: HostFacts, subnet: string, own: string): string | undefined {
  const network = facts.networks.find(
    ({ name, address }) => name !== own && overlap(subnet, address),
  );
  if (network !== undefined) return `libvirt's network ${network.name}`;
  const bridge = facts.networks.find(({ name }) => name === own)?.bridge;
  const route = facts.routes.find(({ cidr, device }) => device !== bridge && overlap(subnet, cidr));
  return route && `${route.device} (${route.cidr})`;
}

const usesNat = (lab: Lab): boolean => lab.guests.some(({ network }) => network.mode === "nat");

function natSubnet(facts: HostFacts, lab: Lab, stack: string): readonly Judged[] {
  if (!usesNat(lab)) return [];
  const { natSubnet: subnet } = lab.host;
  const holder = holderOf(facts, subnet, labNamed(stack));
  const found = holder === undefined ? `${subnet}, free` : `${subnet} in use by ${holder}`;
  return [
    {
      ...{ severity: holder === undefined ? "ok" : "fail", path: "host.natSubnet", found },
      required: "a subnet that nothing else on the host uses",
      fix: "set host.natSubnet to another private /24, e.g. '10.213.77.0/24'",
    },
  ];
}

/** What lets the guests of libvirt's bridges pass a chain: to the host's DHCP and DNS, or out and back. */
const PASSES: Readonly<Record<DropFact["hook"], readonly string[]>> = {
  input: ['iifname "virbr*" udp dport { 53, 67 } accept', 'iifname "virbr*" tcp dport 53 accept'],
  forward: ['iifname "virbr*" accept', 'oifname "virbr*" ct state established,related accept'],
};

function natFirewall({ drops }: HostFacts, lab: Lab): readonly Judged[] {
  if (!usesNat(lab)) return [];
  return drops.map(({ family, table, chain, hook }) => {
    const place = `${family} ${table} ${chain}`;
    const rules = PASSES[hook].map((rule) => `sudo nft insert rule ${place} ${shellWord(rule)}`);
    return {
      ...{ severity: "warn", path: "guests[].network.mode" },
      found: `nftables chain ${place}, which drops what it does not accept and has no rule for libvirt's bridges`,
      required: `guests' way ${hook === "input" ? "to the host's DHCP and DNS" : "out through the host"}`,
      fix: `${rules.join("; ")}; and the same in /etc/nftables.conf, for the next boot`,
    };
  });
}

export const NETWORK_CHECKS: readonly HostCheck[] = [
  { id: "nat-subnet", group: "ports", judge: natSubnet },
  { id: "nat-firewall", group: "ports", judge: natFirewall },
];
