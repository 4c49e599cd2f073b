import * as pulumi from "@pulumi/pulumi";
import { Screen } from "../access/viewer";
import { Acceleration } from "../../core/limits";
import { GuestAccess } from "../access/access.resource";
import { Target } from "../../core/target";

/** The virtual machine that a guest runs in: created by the lab, or adopted. */
export interface Machine {
  /** Where its libvirt is; undefined: this machine's system libvirt. */
  readonly host: Target;
  readonly access: GuestAccess;
  /** The guest's screen, as a viewer sees it. */
  readonly screen: pulumi.Output<Screen>;
  /** The share's folder on the host; undefined: none. */
  readonly share: pulumi.Output<string> | undefined;
  /** The resource that defines the domain. */
  readonly resource: pulumi.Resource;
  readonly domainName: pulumi.Output<string>;
  /** Changes with every boot, after which the lab has to wait for the guest and check it again. */
  readonly bootId: pulumi.Output<string>;
  readonly acceleration: pulumi.Output<Acceleration>;
  /** Why the guest has this acceleration. */
  readonly reason: pulumi.Output<string>;
  /** The lab's serial log on the host; empty: the domain has none. */
  readonly serialLog: string;
  /** Somebody else installed the system: do not wait for the lab's first boot. */
  readonly adopted: boolean;
}
