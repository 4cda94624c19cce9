import { defineConfig } from "vitest/config";

// No test file leaves anything behind in a module, so that they can share the modules: this halves the time.
export default defineConfig({ test: { name: "@mx/pubsub", isolate: false, testTimeout: 20_000 } });
