import * as pulumi from "@pulumi/pulumi";
import { Screen } from "../access/viewer";
import { Acceleration } from "../../core/limits";
import { GuestAccess } from "../access/access.resource";

/** The virtual machine that a guest runs in: made by the lab, or adopted. */
export interface Machine {
  readonly access: GuestAccess;
  /** The guest's screen, as a viewer sees it. */
  readonly screen: pulumi.Output<Screen>;
  /** The share's folder on the host; undefined: none. */
  readonly share: pulumi.Output<string> | undefined;
  /** The resource that defines the domain. */
  readonly resource: pulumi.Resource;
  readonly domainName: pulumi.Output<string>;
  /** Changes when the guest was booted anew, so that it has to be waited for and asked again. */
  readonly bootId: pulumi.Output<string>;
  readonly acceleration: pulumi.Output<Acceleration>;
  /** Why that acceleration. */
  readonly reason: pulumi.Output<string>;
  /** File on the host with the serial console; empty when the domain has none of ours. */
  readonly serialLog: string;
  /** The system was installed by somebody else: no first boot of ours is waited for. */
  readonly adopted: boolean;
}
