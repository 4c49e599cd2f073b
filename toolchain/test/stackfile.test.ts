import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ReleaseServer, Sandbox, version } from "./support";

const TRACKED = "config:\n  mirlab:guests:\n    - name: mir\n";
const SALT = "encryptionsalt: v1:abc=:v1:def:ghi==";

/** An engine as far as stack files go: it prints its arguments, and writes a salt where there is none. */
const ENGINE = `#!/bin/bash
if [[ $1 == version ]]; then echo v${version}; exit; fi
if [[ "$*" == "stack --show-name --non-interactive" ]]; then echo selected; exit; fi
echo "$*"
for ((i = 1; i <= $#; i++)); do
  next=$((i + 1))
  case \${!i} in
    --config-file) file=\${!next} ;;
    --cwd | -C) folder=\${!next} ;;
  esac
done
[[ -z \${folder-} ]] || file=$folder/Pulumi.dev.yaml
[[ -z \${file-} ]] || grep -q ^encryptionsalt: "$file" || printf '%s\\n' '${SALT}' >>"$file"
[[ -z \${file-} ]] || cat "$file"
`;

describe("a stack's file", () => {
  let box: Sandbox;
  let server: ReleaseServer;
  let env: NodeJS.ProcessEnv;
  const tracked = (stack = "dev"): string => path.join(box.tree, `Pulumi.${stack}.yaml`);

  beforeEach(async () => {
    box = new Sandbox();
    box.copyTree();
    server = new ReleaseServer();
    env = { MIRLAB_VENDOR_URL: await server.start() };
    box.executable("pulumi", ENGINE);
    box.executable("pulumi-language-nodejs", "#!/bin/sh\n");
    fs.writeFileSync(path.join(box.tree, "Pulumi.yaml"), "name: mirlab\n");
    fs.writeFileSync(tracked(), TRACKED);
  });

  afterEach(async () => {
    await server.stop();
    box.remove();
  });

  async function pulumi(...args: string[]): Promise<string[]> {
    const result = await box.pulumi(args, env);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trimEnd().split("\n");
  }
  const copy = (words: string): string => / (?:--config-file|--cwd) (\S+)/.exec(words)?.[1] ?? "";

  for (const args of [
    ["stack", "init", "dev"],
    ["stack", "select", "--create", "--stack", "dev", "--non-interactive"],
    ["stack", "select", "dev", "-c"],
    ["up", "--stack", "dev", "--yes"],
    ["preview", "-s", "dev"],
    ["destroy", "--stack=dev"],
    ["down", "--stack", "dev"],
    ["dn", "--stack", "dev"],
    ["refresh", "--stack", "dev"],
    ["--stack", "dev", "up", "--yes"],
    ["--non-interactive", "-s", "dev", "--color=never", "up"],
    ["-e", "--color", "never", "stack", "--logtostderr", "init", "dev"],
  ]) {
    it(`stays as it is by '${args.join(" ")}'`, async () => {
      const [words = "", ...text] = await pulumi(...args);
      assert.ok(words.startsWith(args.join(" ")), words);
      assert.ok(copy(words).startsWith(`${box.home}/config/`), words);
      assert.deepEqual(text.slice(0, 3), TRACKED.trimEnd().split("\n"));
      assert.ok(text.includes(SALT));
      assert.equal(fs.readFileSync(tracked(), "utf8"), TRACKED);
      assert.deepEqual(
        fs
          .readdirSync(box.tree)
          .filter((name) => name.startsWith("Pulumi."))
          .sort(),
        [...["Pulumi.dev.yaml", "Pulumi.yaml"]],
      );
    });
  }

  it("has one salt, whatever runs next, and the file's changes", async () => {
    await pulumi("stack", "init", "dev");
    fs.appendFileSync(tracked(), "  mirlab:host: {}\n");
    const [, ...text] = await pulumi("up", "--stack", "dev");
    assert.deepEqual(
      text.filter((line) => line !== ""),
      [...TRACKED.trimEnd().split("\n"), ...["  mirlab:host: {}", SALT]],
    );
  });

  it("gives its own salt, where somebody has encrypted values by it", async () => {
    await pulumi("stack", "init", "dev");
    const own = "encryptionsalt: v1:own:v1:own:own";
    fs.writeFileSync(tracked(), `${own}\n${TRACKED.trimEnd()}`);
    const [, ...text] = await pulumi("up", "--stack", "dev");
    assert.deepEqual(
      text.filter((line) => line !== ""),
      [...TRACKED.trimEnd().split("\n"), own],
    );
  });

  it("is the selected stack's where none is named", async () => {
    fs.writeFileSync(tracked("selected"), TRACKED);
    const [words = ""] = await pulumi("up", "--yes");
    assert.match(words, /^up --yes --config-file \S+\/Pulumi\.selected\.yaml$/);
  });

  it("selects a created stack in the checkout too", async () => {
    const lines = await pulumi("stack", "init", "dev");
    assert.equal(lines.at(-1), "stack select dev --non-interactive");
  });

  it("stays when its stack is removed", async () => {
    const words = await pulumi("stack", "rm", "dev", "--yes");
    assert.deepEqual(words, ["stack rm dev --yes --preserve-config"]);
  });

  it("is the user's own where they name one, and for verbs that read none", async () => {
    for (const args of [
      ["up", "--stack", "dev", "--config-file", tracked()],
      ["stack", "select", "dev"],
      ["stack", "export", "--stack", "dev"],
      ["config", "set", "a", "b", "--stack", "dev"],
      ["up", "--stack", "none"],
      ["up", "--help"],
    ])
      assert.equal((await pulumi(...args))[0], args.join(" "));
  });

  it("is another project's own business", async () => {
    const other = path.join(box.dir, "other");
    fs.mkdirSync(other);
    fs.writeFileSync(path.join(other, "Pulumi.yaml"), "name: other\n");
    fs.writeFileSync(path.join(other, "Pulumi.dev.yaml"), "config: {}\n");
    const [words = ""] = await pulumi("up", "--stack", "dev", `--cwd=${other}`);
    assert.equal(words, `up --stack dev --cwd=${other}`);
    const there = await box.pulumi(["up", "--stack", "dev"], env, other);
    assert.equal(there.stdout.split("\n")[0], "up --stack dev");
    const back = await box.pulumi(["up", "--stack", "dev", "-C", box.tree], env, other);
    assert.match(back.stdout, /^up --stack dev -C \S+ --config-file /);
  });

  it("is read by the user alone", async () => {
    await pulumi("up", "--stack", "dev");
    const folder = path.join(box.home, "config");
    const [one = ""] = fs.readdirSync(folder);
    const mode = (...below: string[]) => fs.statSync(path.join(folder, ...below)).mode & 0o777;
    assert.deepEqual([mode(), mode(one), mode(one, "Pulumi.dev.yaml")], [0o700, 0o700, 0o600]);
    assert.deepEqual(fs.readdirSync(path.join(folder, one)), ["Pulumi.dev.yaml"]);
  });
});
