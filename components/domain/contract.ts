/** What the lab declares of its own domain. Pure. */
import { SshTarget } from "../../core/target";
import { OnDrift } from "./baseline";
import { DomainSpec } from "./definition";

export interface DomainContractInputs {
  readonly host?: SshTarget;
  /** The whole definition. */
  readonly spec: DomainSpec;
  readonly onDrift: OnDrift;
  /** Folder of the guest on the machine that runs Pulumi; definitions that are overwritten are kept there. */
  readonly directory: string;
  /** Declared empty. A refresh puts here, in words, what is not as declared: so a preview shows it. */
  readonly drift: readonly string[];
}
