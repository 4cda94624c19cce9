import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { run } from "./run.mjs";

/**
 * Starts a package registry on loopback: it serves what is published to it, and fetches all else from the registry that npm is set
 * to. `env` makes npm and pnpm use it.
 */
export async function startRegistry(folder) {
  await mkdir(folder, { recursive: true });
  // It depends on a dist-tag that not every mirror holds; the version behind that tag is this one.
  const manifest = { private: true, dependencies: { verdaccio: "6.8.0" }, overrides: { "node-fetch": "2.7.0" } };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await run("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });

  const uplink = (await run("npm", ["config", "get", "registry"], { cwd: folder })).trim();
  const config = {
    storage: join(folder, "packages"),
    auth: { htpasswd: { file: join(folder, "users"), max_users: 10 } },
    uplinks: { upstream: { url: uplink, maxage: "60m" } },
    packages: {
      "@mx/*": { access: "$all", publish: "$authenticated" },
      "**": { access: "$all", proxy: "upstream" },
    },
    log: { type: "stdout", level: "warn" },
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  // JSON is YAML.
  await writeFile(join(folder, "config.yaml"), JSON.stringify(config));
  const program = join(folder, "node_modules/verdaccio/bin/verdaccio");
  const server = spawn(process.execPath, [program, "--config", "config.yaml", "--listen", url], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  await answering(`${url}-/ping`, server);

  const user = { name: "release-check", password: "release-check" };
  const response = await fetch(`${url}-/user/org.couchdb.user:${user.name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(user),
  });
  const { token } = await response.json();
  const userconfig = join(folder, "npmrc");
  await writeFile(userconfig, `registry=${url}\n//127.0.0.1:${port}/:_authToken=${token}\n`);
  const env = {
    // npm passes its own to what it runs, in small letters.
    NPM_CONFIG_USERCONFIG: userconfig,
    npm_config_userconfig: userconfig,
    NPM_CONFIG_PROVENANCE: "false",
    npm_config_registry: url,
    pnpm_config_registry: url,
  };
  return { env, stop: () => server.kill() };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answering(url, server) {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (server.exitCode !== null) throw new Error(`The registry has ended with ${server.exitCode}`);
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("The registry does not answer");
}
