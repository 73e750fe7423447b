// A shop with a page, and a service that shows its layers.

import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const TEAROFF = process.env.TEAROFF;

export const LAYER = `<style>h2 { color: rgb(10, 90, 60) }</style>
<h2>Ten percent for {{ customer.first_name|default('you', true) }}</h2>
<p style="letter-spacing: 2px">It is yours alone, and it works once.</p>
<code>{{ vouchers['spring'].assign_available() }}</code>
<p><a class="button" href="/basket">Use it now</a></p>`;

/** A shop whose page has a tag with these attributes. Everything of it ends with the test. */
export async function openShop(test, { settings = 'anonymous = true', codes = 5, template = LAYER, tag = '', csp } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tearoff-browser-'));
  const shop = { folder, tag, csp, run: (...words) => run(folder, words), write: (...file) => write(folder, ...file) };
  const pages = createServer((request, answer) => servePage(shop, request, answer));
  await new Promise((ready) => pages.listen(0, '127.0.0.1', ready));
  shop.origin = `http://127.0.0.1:${pages.address().port}`;
  shop.write('tearoff.toml', `[visitors]
keys = [{ id = "test", secret = "0123456789abcdef0123456789abcdef" }]
[layers.spring]
origins = ["${shop.origin}"]
${settings}
`);
  shop.write('templates/spring/body.html', template);
  shop.run('pool', 'create', 'spring');
  if (codes > 0) {
    shop.write('codes.txt', Array.from({ length: codes }, (_, n) => `SPRING-${n}7Q2K\n`).join(''));
    shop.run('pool', 'import', 'spring', 'codes.txt');
  }
  const service = await serve(folder);
  shop.api = service.url;
  shop.stop = () => stop(service.child);
  test.after(async () => {
    await shop.stop();
    pages.closeAllConnections?.();
    pages.close();
    rmSync(folder, { recursive: true });
  });
  return shop;
}

function run(folder, words) {
  return execFileSync(TEAROFF, words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function write(folder, name, text) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function serve(folder) {
  const child = spawn(TEAROFF, ['serve', '--dev', '--listen', '127.0.0.1:0'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((ready, fail) => {
    const said = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      appendFileSync(join(process.env.LOGS, `${child.pid}.log`), `${line}\n`);
      const url = line.match(/listening on (http:\S+)/);
      if (url) ready({ child, url: url[1] });
    });
    child.on('exit', () => fail(new Error(`the service ended: ${said.join('\n')}`)));
  });
}

function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((ended) => {
    child.on('exit', ended);
    child.kill('SIGKILL');
  });
}

function servePage(shop, request, answer) {
  if (!['/', '/basket'].includes(request.url)) return answer.writeHead(404).end();
  const headers = { 'Content-Type': 'text/html; charset=utf-8' };
  if (shop.csp) headers['Content-Security-Policy'] = shop.csp(shop.api);
  answer.writeHead(200, headers);
  return answer.end(`<!doctype html><html lang="en"><title>Shop</title>
<link rel="icon" href="data:,">
<h1>Shoes</h1><p>Comfortable ones.</p><p><a id="first" href="/basket">Basket</a></p>
<script src="${shop.api}/layer.js" data-layer="spring" ${shop.tag} defer></script>`);
}

/** The vouchers of the pool in that state. */
export function count(shop, state) {
  return JSON.parse(shop.run('pool', 'show', 'spring', '--json'))[state];
}
