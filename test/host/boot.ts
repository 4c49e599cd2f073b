/**
 * A host of the tests to look at by hand: boots it, prints how to log in, and ends it with Ctrl-C.
 *   node -r ./core/register.js test/host/boot.ts [debian12|debian13] [FILE of an image...]
 * MIRLAB_TEST_PREPARED=1: the host has the lab's packages.
 */
import { EmulatedHost, preparedPackages, Release } from "./machine";

async function main(): Promise<void> {
  const [release = "debian13", ...images] = process.argv.slice(2);
  const prepared = process.env.MIRLAB_TEST_PREPARED !== undefined;
  const packages = prepared ? preparedPackages(release as Release) : [];
  const host = await EmulatedHost.start(release as Release, { images, packages });
  console.log(
    `ssh -i ${host.identityFile} -p ${host.port} root@127.0.0.1   (or admin, op, viewer)`,
  );
  console.log(
    `host key: ${host.hostKey}; op's password: ${host.password}; console: ${host.console}`,
  );
  const end = (): void => void host.stop().then(() => process.exit(0));
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
}

void main();
