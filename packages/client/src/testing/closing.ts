import { onTestFinished } from "vitest";

/** Closes a resource at the end of the test that has opened it, whatever happened there; the last opened first. */
export function closing<Resource extends { close(): unknown }>(resource: Resource): Resource {
  onTestFinished(async () => {
    await resource.close();
  });
  return resource;
}
