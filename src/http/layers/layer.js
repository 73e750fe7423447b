/* Tearoff: shows a web layer.
 * <script src="https://layers.shop.example/layer.js" data-layer="spring" data-token="…" defer></script>
 * Attributes: data-layer, data-token, data-context (JSON). Whatever goes wrong, nothing is shown and the page goes on.
 * No inline style, script or eval: a strict Content-Security-Policy needs this origin in script-src and connect-src. */
(function () {
  'use strict';
  var script = document.currentScript;
  var name = script && script.dataset.layer;
  if (!name || !window.fetch || !window.HTMLDialogElement || !('adoptedStyleSheets' in document)) return;

  var CARD = [
    ':host{all:initial}',
    '*,*::before,*::after{box-sizing:border-box}',
    'dialog.card{width:min(440px,calc(100vw - 32px));max-height:calc(100dvh - 32px);margin:auto;padding:36px 32px 28px;border:0;border-radius:20px;overflow:auto;text-align:center;color:#1d2724;background:#fff;box-shadow:0 24px 70px rgba(15,25,20,.35);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere}',
    'dialog::backdrop{background:rgba(16,22,20,.55);backdrop-filter:blur(2px)}',
    '.card h1,.card h2,.card h3{margin:0 0 10px;font-size:26px;line-height:1.2;letter-spacing:-.01em;text-wrap:balance}',
    '.card p{margin:0 0 14px;color:#55605b}',
    '.card img{max-width:100%;height:auto}',
    '.card code,.card .code{display:block;margin:18px 0;padding:16px;border:2px dashed #c9a45c;border-radius:12px;background:#fbf4e4;color:#1d2724;font:700 24px/1.25 ui-monospace,Menlo,Consolas,monospace;user-select:all}',
    '.card a{color:#1c5c46}',
    '.copy,.reveal,.card a.button{display:inline-block;padding:12px 26px;border:0;border-radius:99px;background:#1c5c46;color:#fff;font:600 16px/1.25 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;text-decoration:none;cursor:pointer}',
    '.reveal:hover,.card a.button:hover{background:#154a38}',
    'button.copy{margin:8px 0 0;padding:9px 20px;border:1.5px solid currentColor;background:none;color:inherit;font-size:15px}',
    '.card .copy{margin:0 0 16px;color:#1c5c46}',
    'button.copy:hover{background:rgba(127,127,127,.14)}',
    '.close{position:absolute;top:10px;right:10px;width:40px;height:40px;border:0;border-radius:50%;background:none;color:#55605b;font:26px/1 system-ui,sans-serif;cursor:pointer}',
    '.close:hover{background:#eef1ef}',
    '.reveal{position:fixed;right:20px;bottom:20px;z-index:2147483000;box-shadow:0 8px 28px rgba(15,25,20,.3)}',
    '.reveal[aria-busy=true]{opacity:.6;cursor:progress}',
    ':focus-visible{outline:3px solid #e2a33b;outline-offset:2px}',
    '@media (prefers-reduced-motion:no-preference){dialog.card[open]{animation:rise .28s ease-out}.reveal{animation:rise .28s ease-out}@keyframes rise{from{opacity:0;transform:translateY(14px)}}}',
    '@media (prefers-color-scheme:dark){dialog.card{background:#1b2421;color:#f1ede4}.card p,.close{color:#b3bdb7}.card a,.card .copy{color:#8fd3b6}.card a.button{color:#fff}.close:hover{background:#2a3531}}'
  ].join('');

  /* A display is asked for under one name, however often. */
  var display = Array.from(crypto.getRandomValues(new Uint8Array(16)), function (byte) {
    return byte.toString(16).padStart(2, '0');
  }).join('');
  var policy = window.trustedTypes && trustedTypes.createPolicy('tearoff', { createHTML: function (html) { return html; } });

  function element(kind, rest) {
    return Object.assign(document.createElement(kind), rest);
  }

  function sheet(css) {
    var made = new CSSStyleSheet();
    made.replaceSync(css);
    return made;
  }

  function ask(revealed) {
    var wish = { display: display, revealed: revealed };
    if (script.dataset.token) wish.token = script.dataset.token;
    if (script.dataset.context) wish.context = JSON.parse(script.dataset.context);
    var abort = new AbortController();
    setTimeout(function () { abort.abort(); }, 8000);
    return fetch(new URL('v1/layers/' + encodeURIComponent(name) + '/display', script.src), {
      method: 'POST', mode: 'cors', cache: 'no-store', credentials: wish.token ? 'omit' : 'include',
      referrerPolicy: 'no-referrer', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(wish), signal: abort.signal
    }).then(function (answer) { return answer.status === 200 ? answer.json() : null; });
  }

  /* A place that neither takes the page's styles nor gives it any. */
  function place(sheets) {
    var host = document.createElement('div');
    host.dataset.tearoff = name;
    host.attachShadow({ mode: 'open' }).adoptedStyleSheets = sheets;
    document.body.append(host);
    return host;
  }

  /* The layer's elements, without scripts. Its styles get there in a way that a strict policy allows, and does not report. */
  function read(html, sheets) {
    html = html.replace(/\sstyle(?=\s*=\s*["'])/gi, ' data-style');
    var made = document.createElement('template');
    made.innerHTML = policy ? policy.createHTML(html) : html;
    made = made.content;
    made.querySelectorAll('style').forEach(function (style) { sheets.push(sheet(style.textContent)); });
    made.querySelectorAll('style,script,base,meta,link,object,embed,iframe[srcdoc]').forEach(function (found) { found.remove(); });
    made.querySelectorAll('*').forEach(function (found) {
      Array.from(found.attributes).forEach(function (attribute) {
        var value = attribute.value.replace(/[\s\0-\x1f]/g, '');
        if (/^on|^style$/i.test(attribute.name) || /^javascript:/i.test(value)) found.removeAttribute(attribute.name);
      });
      if (found.dataset.style) found.style.cssText = found.dataset.style;
    });
    return made;
  }

  function copies(button, text, labels) {
    var said = button.textContent;
    button.setAttribute('aria-live', 'polite');
    button.addEventListener('click', function () {
      navigator.clipboard.writeText(text).then(function () {
        button.textContent = labels.copied;
        setTimeout(function () { button.textContent = said; }, 2500);
      }, function () {});
    });
  }

  /* Every [data-copy] copies; without one, a button behind the code does. */
  function offerCopy(dialog, layer) {
    var marked = dialog.querySelectorAll('[data-copy]');
    marked.forEach(function (found) { copies(found, found.dataset.copy || (layer.codes || [''])[0], layer.labels); });
    if (marked.length || !navigator.clipboard || !layer.codes || layer.codes.length !== 1) return;
    var holders = Array.from(dialog.querySelectorAll('*')).filter(function (found) {
      return found.textContent.trim() === layer.codes[0];
    });
    var button = element('button', { type: 'button', className: 'copy', textContent: layer.labels.copy });
    copies(button, layer.codes[0], layer.labels);
    if (holders.length) holders[0].after(button);
    else if (dialog.classList.contains('card')) dialog.append(button);
  }

  /* What is no dialog of its own is shown in this one. */
  function card(content, labels) {
    var dialog = element('dialog', { className: 'card' });
    var close = element('button', { type: 'button', className: 'close', textContent: '×', ariaLabel: labels.close });
    close.addEventListener('click', function () { dialog.close(); });
    dialog.addEventListener('click', function (event) {
      var box = dialog.getBoundingClientRect();
      var inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (event.target === dialog && !inside) dialog.close();
    });
    dialog.append(content, close);
    return dialog;
  }

  /* The browser itself moves the focus into a modal dialog, keeps it there, closes it on Escape, and gives the focus back. */
  function open(layer) {
    var sheets = [sheet(CARD)];
    var content = read(layer.parts['body.html'], sheets);
    var dialog = content.querySelector('dialog');
    if (dialog) dialog.removeAttribute('open');
    else content = dialog = card(content, layer.labels);
    offerCopy(dialog, layer);
    var heading = dialog.querySelector('h1,h2,h3');
    if (!dialog.hasAttribute('aria-labelledby') && !dialog.hasAttribute('aria-label')) {
      dialog.setAttribute('aria-label', heading ? heading.textContent.trim() : name);
    }
    var host = place(sheets);
    host.shadowRoot.append(content);
    dialog.addEventListener('close', function () { host.remove(); });
    dialog.showModal();
  }

  function cover(layer) {
    var host = place([sheet(CARD)]);
    var button = element('button', { type: 'button', className: 'reveal', textContent: layer.labels.reveal });
    host.shadowRoot.append(button);
    button.addEventListener('click', function () {
      if (button.getAttribute('aria-busy')) return;
      button.setAttribute('aria-busy', 'true');
      ask(true).then(function (layer) {
        button.removeAttribute('aria-busy');
        if (layer) open(layer);
        else host.remove();
      }).catch(function () { host.remove(); });
    });
  }

  function start() {
    Promise.resolve(false).then(ask).then(function (layer) {
      if (layer) (layer.parts ? open : cover)(layer);
    }).catch(function () {});
  }

  /* A page that is made ready before anybody looks at it takes nothing. */
  if (document.prerendering) document.addEventListener('prerenderingchange', start, { once: true });
  else start();
})();
