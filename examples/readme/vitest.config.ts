import { defineConfig } from "vitest/config";

export default defineConfig({ test: { name: "readme", testTimeout: 30_000 } });
