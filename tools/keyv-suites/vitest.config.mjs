import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const { KEYV_SUITES_PACKAGES: folder, KEYV_SUITES_KEYV: keyv } = process.env;

// Our own tests of the Keyv parts, too, with another Keyv than the workspace has.
const own = ["packages/storage/src/keyv/*.test.ts", "packages/storage/src/to-storage.test.ts"];

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { alias: [{ find: /^keyv$/, replacement: createRequire(join(folder, "package.json")).resolve(keyv) }] },
  test: {
    include: ["tools/keyv-suites/suite.test.mjs", ...(keyv === "keyv-6" ? own : [])],
    // The suite freezes the clock of its process.
    fileParallelism: false,
    testTimeout: 20_000,
  },
});
