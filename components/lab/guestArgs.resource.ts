import { GuestConfig, HostConfig } from "../../config/schema";
import { LabHost } from "../host/labHost.resource";

/** What a guest is declared by. */
export interface GuestArgs {
  readonly config: GuestConfig;
  readonly host: HostConfig;
  readonly labHost: LabHost;
  readonly stack: string;
}
