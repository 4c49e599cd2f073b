/** The policies, in the order of the report. A new one takes one file and two lines here. */
import { accelerationAcknowledged } from "./accelerationAcknowledged";
import { confined } from "./confined";
import { dataDiskProtected } from "./dataDiskProtected";
import { guestSizeLimits } from "./guestSizeLimits";
import { hostKeyPinned } from "./hostKeyPinned";
import { imagePinned } from "./imagePinned";
import type { LabPolicy } from "./kit";
import { knownVulnerable } from "./knownVulnerable";
import { namesAndLabels } from "./namesAndLabels";
import { noClipboardOrFileTransfer } from "./noClipboardOrFileTransfer";
import { noQemuCommandline } from "./noQemuCommandline";
import { noSecretInPlainInput } from "./noSecretInPlainInput";
import { qxlVideo } from "./qxlVideo";
import { readinessPresent } from "./readinessPresent";
import { shareMapped } from "./shareMapped";
import { shareNotSensitive } from "./shareNotSensitive";
import { shareReadonly } from "./shareReadonly";
import { spiceNotExposed } from "./spiceNotExposed";
import { spiceOnly } from "./spiceOnly";
import { verifiedLibvirtUri } from "./verifiedLibvirtUri";

export const POLICIES: readonly LabPolicy[] = [
  spiceOnly,
  qxlVideo,
  spiceNotExposed,
  noClipboardOrFileTransfer,
  shareMapped,
  shareNotSensitive,
  shareReadonly,
  readinessPresent,
  imagePinned,
  hostKeyPinned,
  verifiedLibvirtUri,
  noSecretInPlainInput,
  dataDiskProtected,
  accelerationAcknowledged,
  noQemuCommandline,
  confined,
  knownVulnerable,
  guestSizeLimits,
  namesAndLabels,
];
