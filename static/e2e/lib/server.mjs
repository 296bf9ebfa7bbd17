/** The server under test: given by CARREL_URL, or started from CARREL_BIN on a data folder of its own. */
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The first start may build the sandbox image. */
const START_MS = 20 * 60_000;
const STOP_MS = 60_000;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Nothing of the caller's own server or engine: this one stands by itself. */
function ownEnvironment(settings) {
  const others = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('CARREL_') && name !== 'DOCKER_HOST',
  );
  return { ...Object.fromEntries(others), CARREL_ENGINE__EMBEDDED: 'always', ...settings };
}

function exited(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', resolve));
}

function deadline(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A server that was running already; scenarios that need to kill it are left out. */
export class GivenServer {
  controllable = false;

  constructor(url) {
    this.url = url.replace(/\/$/, '');
  }

  async start() {}
  async stop() {}
}

/** Our own server; it can be killed and started again on the same port and data. */
export class OwnServer {
  controllable = true;
  child = null;
  url = null;
  /** Settings beyond the defaults, as environment variables. */
  settings = {};

  constructor(binary, dataDir) {
    this.binary = binary;
    this.dataDir = dataDir;
    this.ownsData = dataDir === undefined;
  }

  async start() {
    this.dataDir ??= await freshDataDir();
    // The same address after a restart: the page must find it again.
    this.port ??= await freePort();
    const child = spawn(
      this.binary,
      ['serve', '--listen', `127.0.0.1:${this.port}`, '--data-dir', this.dataDir],
      {
        stdio: ['ignore', 'pipe', process.env.CARREL_E2E_LOG ? 'inherit' : 'pipe'],
        env: ownEnvironment(this.settings),
      },
    );
    this.child = child;
    let log = '';
    child.stderr?.on('data', (data) => {
      log = (log + data).slice(-20_000);
    });
    const listening = new Promise((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (data) => {
        text += data;
        const found = /listening on (http:\/\/\S+)/.exec(text);
        if (found) resolve(found[1].replace(/\/$/, ''));
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}\n${log}`)));
      child.once('error', reject);
    });
    this.url = await deadline(listening, START_MS, 'starting the server');
  }

  /** Changes the database behind the server's back: for what would take days otherwise. */
  async sql(text) {
    const pid = await readFile(join(this.dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8');
    const socket = pid.split('\n')[4];
    const to = `postgres://carrel@${encodeURIComponent(socket)}/carrel`;
    await promisify(execFile)('psql', [to, '--quiet', '--set', 'ON_ERROR_STOP=1', '--command', text]);
  }

  /** As a crash: no farewell, programs in sandboxes go on. */
  async crash() {
    this.child.kill('SIGKILL');
    await exited(this.child);
  }

  /** Ends it in order and starts it again with these settings; sessions go on. */
  async restart(settings) {
    await this.terminate();
    this.settings = settings;
    await this.start();
  }

  async terminate() {
    this.child.kill('SIGTERM');
    await deadline(exited(this.child), STOP_MS, 'stopping the server');
  }

  /** Ends the server and everything it has started. */
  async stop() {
    if (this.dataDir === undefined) return;
    // Whatever became of the server itself, what it has started must go.
    if (this.child) await this.terminate().catch((error) => console.error(`${error}`));
    // Nobody wants what programs have written into a folder that goes too.
    const discard = this.ownsData ? ['--discard'] : [];
    const down = spawn(this.binary, ['down', '--data-dir', this.dataDir, ...discard], {
      stdio: 'inherit',
      env: ownEnvironment(this.settings),
    });
    await deadline(exited(down), STOP_MS, 'taking down');
    if (down.exitCode !== 0) throw new Error(`carrel down ended with ${down.exitCode}`);
    if (this.ownsData) await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Inside the tree, like everything that tests make. */
async function freshDataDir() {
  const target = fileURLToPath(new URL('../../../target/', import.meta.url));
  await mkdir(target, { recursive: true });
  const folder = await mkdtemp(join(target, 'e2e-data-'));
  // The database's own user has to get in.
  await chmod(folder, 0o755);
  return folder;
}

export function serverFromEnvironment() {
  const { CARREL_URL, CARREL_BIN, CARREL_DATA_DIR } = process.env;
  if (CARREL_URL) return new GivenServer(CARREL_URL);
  if (CARREL_BIN) return new OwnServer(CARREL_BIN, CARREL_DATA_DIR);
  throw new Error('set CARREL_URL to a running server, or CARREL_BIN to the carrel binary');
}
