// Shared by the tests of policies: resources as the engine passes them, and a policy's messages.
import assert from "node:assert/strict";
import type {
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from "@pulumi/policy";
import * as proxy from "@pulumi/policy/proxy";
import type { DomainSpec } from "../../components/domain/definition";

// Missing in the SDK's types.
const { unknownCheckingProxy, unknownStringValue } = proxy as unknown as {
  unknownCheckingProxy: <T extends object>(props: T) => T;
  unknownStringValue: string;
};

/** The engine's placeholder for a value that a preview does not know. */
export const UNKNOWN = unknownStringValue;

/** Inputs as in a preview: reading an unknown one throws. */
export const inPreview = unknownCheckingProxy;

export const DOMAIN = "libvirt:index/domain:Domain";
export const CONTRACT = "pulumi-nodejs:dynamic/mir:DomainContract";
export const HOST = "pulumi-nodejs:dynamic/mir:HostContract";

export const SPEC: DomainSpec = {
  name: "mirlab-dev-mir",
  stack: "dev",
  guest: "mir",
  type: "kvm",
  memoryMiB: 2048,
  vcpus: 2,
  mac: "52:54:00:01:02:03",
  disk: "/var/lib/mirlab/dev/pool/disk.qcow2",
  seed: "/var/lib/mirlab/dev/pool/seed.iso",
  serialLog: "/var/lib/mirlab/dev/log/mir.serial.log",
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  spice: { port: 5901, clipboard: false, fileTransfer: false },
  network: { mode: "nat", name: "mirlab-dev" },
  share: { path: "/srv/mir", tag: "share", readonly: true },
};

export interface Given {
  readonly type: string;
  readonly props: object;
  readonly name?: string;
  /** Types of its parents, as in a URN. */
  readonly below?: string;
  readonly protect?: boolean;
}

/** The lab's domain, with changes of its definition; any value may be UNKNOWN. */
export const lab = (change: object = {}): Given => ({
  type: CONTRACT,
  name: "mir-vm-domain",
  props: { spec: { ...SPEC, ...change } },
});

/** Another declared domain, which violates nothing except by the changes. */
export const beside = (change: object = {}): Given => ({
  type: DOMAIN,
  name: "web",
  props: {
    name: "mirlab-dev-web",
    type: "kvm",
    graphics: { type: "spice", listenType: "none" },
    video: { type: "qxl" },
    xml: { xslt: sheet('<clipboard copypaste="no"/><filetransfer enable="no"/>') },
    ...change,
  },
});

/** A stylesheet that writes these elements. */
export const sheet = (elements: string): string =>
  '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" ' +
  'xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">' +
  `<xsl:template match="/domain"><xsl:copy>${elements}</xsl:copy></xsl:template></xsl:stylesheet>`;

/** What a policy reports on a resource; reading an unknown value throws, as in a preview. */
export async function said(
  policy: ResourceValidationPolicy,
  given: Given,
  config: object = {},
): Promise<string[]> {
  const { type, name = "it", below = "", protect = false } = given;
  const found: string[] = [];
  const args = {
    ...{ type, name, props: inPreview(given.props) },
    urn: `urn:pulumi:dev::mirlab::${below}${type}::${name}`,
    opts: { protect },
    getConfig: () => config,
  } as unknown as ResourceValidationArgs;
  const validate = policy.validateResource;
  assert.ok(typeof validate === "function");
  await validate(args, (message) => void found.push(message));
  return found;
}

/** What a policy reports on a whole stack. */
export async function saidOfStack(
  policy: StackValidationPolicy,
  ...resources: readonly object[]
): Promise<string[]> {
  const found: string[] = [];
  const args = { resources, getConfig: () => ({}) } as unknown as StackValidationArgs;
  await policy.validateStack(args, (message) => void found.push(message));
  return found;
}
