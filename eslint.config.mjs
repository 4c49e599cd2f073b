// What `npm run lint` checks of the TypeScript. Layout is prettier's; see .prettierrc.json.
import js from "@eslint/js";
import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "**/node_modules/",
      "sdks/",
      "results/",
      "core/register.js",
      "io/*.js",
      "test/failures.js",
      "coverage/",
      "*.cjs",
      "policies/start.js",
      "*.mjs",
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { "@pulumi": pulumi },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
      "@typescript-eslint/no-confusing-void-expression": "off",
      // Takes `list[i]` for never undefined unless tsconfig says noUncheckedIndexedAccess.
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      // Pulumi's provider interface is made of async methods, with or without something to wait for.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // The functions of node:path are typed as methods and need no `this`.
      "@typescript-eslint/unbound-method": "off",
      // What our own code and Node throw is an Error; try/catch keeps its `unknown`.
      "@typescript-eslint/use-unknown-in-catch-callback-variable": "off",
    },
  },
  {
    files: ["**/*.test.ts", "test/integration/broken.ts", "test/integration/kernels.ts"],
    rules: {
      // node:test's own functions return promises that the runner waits for.
      "@typescript-eslint/no-floating-promises": "off",
    },
  },
);
