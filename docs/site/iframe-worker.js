// A page that is opened from the disk may start no worker: there the search runs in a frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow;
      inner.document.open();
      inner.document.write(`<body><script>
        postMessage = (data) => parent.postMessage(data, "*");
        importScripts = (...all) => all.reduce((before, src) => before.then(() => new Promise((done) => {
          document.body.append(Object.assign(document.createElement("script"), { src, onload: done }));
        })), Promise.resolve());
      </` + `script><script src="${url}"></` + `script></body>`);
      this.ready = new Promise((done) => (inner.onload = done));
      inner.document.close();
      window.addEventListener("message", (event) => {
        if (event.source !== inner) return;
        const told = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(told);
        this.onmessage?.(told);
      });
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
