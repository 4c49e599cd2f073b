import { GuestConfig, HostConfig } from "../../config/schema";
import { LabHost } from "../host/labHost.resource";

/** The arguments of a guest's resources. */
export interface GuestArgs {
  readonly config: GuestConfig;
  readonly host: HostConfig;
  readonly labHost: LabHost;
  readonly stack: string;
}
