/** What the lab declares of its own domain. Pure. */
import { SshTarget } from "../../core/target";
import { OnDrift } from "./baseline";
import { DomainSpec } from "./definition";

export interface DomainContractInputs {
  readonly host?: SshTarget;
  /** The whole definition. */
  readonly spec: DomainSpec;
  readonly onDrift: OnDrift;
  /** Folder of the guest on the machine that runs Pulumi; it keeps overwritten definitions. */
  readonly directory: string;
  /** Declared empty. A refresh fills it with the drift, in words, so that a preview shows a change. */
  readonly drift: readonly string[];
}
