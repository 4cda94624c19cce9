import { afterEach } from "vitest";

const open: { close(): unknown }[] = [];

/** Closes a resource after the test that has opened it, whatever happened there; the last opened first. */
export function closing<Resource extends { close(): unknown }>(resource: Resource): Resource {
  open.push(resource);
  return resource;
}

afterEach(async () => {
  for (const resource of open.splice(0).toReversed()) await resource.close();
});
