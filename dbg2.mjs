const body = Buffer.from(('X'.repeat(78)+'\r\n').repeat(13107));
const n = body.length;
function a(b){ let c=0; for (let i=0;i<b.length;i++){ if (b[i]<=13) c++; } return c; }
function bb(b){ let c=0,i=0; const n=b.length; while(true){ while(i<n && b[i]>13) i++; if(i>=n) break; c++; i++; } return c; }
function nat(b){ let c=0,p=0; for(;;){ const i=b.indexOf(10,p); if(i<0) break; c++; p=i+1;} return c; }
const idx=Uint8Array.prototype.indexOf;
function nat2(b){ let c=0,p=0; for(;;){ const i=idx.call(b,10,p); if(i<0) break; c++; p=i+1;} return c; }
const re=/\r(?!\n)|(?<!\r)\n|\0|\r\n\./g;
function rx(b){ const s=b.latin1Slice(0,b.length); re.lastIndex=0; let c=0; while(re.exec(s)!==null) c++; return c; }
const re2=/[^\r]\n|\r[^\n]|\0|\n\./g;
function rx2(b){ const s=b.latin1Slice(0,b.length); re2.lastIndex=0; let c=0; while(re2.exec(s)!==null) c++; return c; }
function str(b){ const s=b.latin1Slice(0,b.length); let c=0,p=0; for(;;){ const i=s.indexOf('\n',p); if(i<0) break; c++; p=i+1;} return c; }
function str2(b){ const s=b.latin1Slice(0,b.length); let c=0,p=0; for(;;){ const i=s.indexOf('\r\n',p); if(i<0) break; c++; p=i+2;} return c; }
function needle(b){ let c=0,p=0; for(;;){ const i=b.indexOf('\r\n.',p,'latin1'); if(i<0) break; c++; p=i+1;} return c; }
function crcount(b){ // js counts
 let cr=0,lf=0,nul=0; for(let i=0;i<b.length;i++){ const c=b[i]; cr+= c===13?1:0; lf+= c===10?1:0;} return cr-lf; }
for (const f of [a,bb,nat,nat2,rx,rx2,str,str2,needle,crcount]) { for(let k=0;k<30;k++) f(body); const u=process.cpuUsage(); for(let k=0;k<30;k++) f(body); const d=process.cpuUsage(u); console.log(f.name, ((d.user+d.system)/30000).toFixed(2),'ms/MiB'); }
