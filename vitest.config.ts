import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import type { Reporter, TestModule } from "vitest/node";

/** Closes every run with one line over all packages: "12 passed, 0 failed, 1 skipped". */
class Totals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) totals.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        totals[state === "pending" ? "skipped" : state]++;
      }
    }
    process.on("exit", () => {
      console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
    });
  }
}

export default defineConfig({
  test: {
    projects: ["packages/*", "examples/readme"],
    reporters: ["default", new Totals()],
    // Many tests wait for a disk or a socket: even the smallest machine can run two files at once.
    maxWorkers: Math.max(2, availableParallelism()),
  },
});
