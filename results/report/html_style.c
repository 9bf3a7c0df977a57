// results/report/html_style.c: the style sheet. Colours are variables, for light and dark, for tables and drawings alike;
// on paper the light ones hold. The series' colours follow Okabe & Ito's set for the colour-blind.
#include "results/report/html_internal.h"

#define LIGHT_COLOURS                                                                                          \
    "--page:#fff;--ink:#1a2027;--muted:#5b6671;--rule:#dfe4e9;--soft:#f5f7f9;--accent:#1d5c94;--warn:#8a5a00;" \
    "--warnbg:#fdf6e7;--best:#eef5fb;--train:#8795a3;--valid:#1d5c94;--s1:#1d5c94;--s2:#c1661b;--s3:#1b8a6b;"  \
    "--s4:#a8479b;--s5:#8a7a12;--s6:#4b9fd1;--h0:#eef3f8;--h1:#dfe9f3;--h2:#cfdfee;--h3:#bcd3e8;--h4:#a6c4e0;" \
    "--h5:#8db2d6;--h6:#5b8bbd;--h7:#4b7cb0;--h8:#3b6da2;--h9:#2c5e93;--h10:#1d497a;--hlo:#16202b;--hhi:#fff;" \
    "--p1:#e4eef8;--p2:#c3dbf1;--p3:#97c1e8;--q1:#fbeadb;--q2:#f7d2b2;--q3:#f0b183;"

const char *const html_style[] = {
    ":root{color-scheme:light dark;" LIGHT_COLOURS "}\n",
    "@media screen and (prefers-color-scheme:dark){:root{--page:#12171d;--ink:#e4e9ee;--muted:#98a4b0;--rule:#2b343d;"
    "--soft:#1a2129;--accent:#7db8ea;--warn:#e5b660;--warnbg:#2a2417;--best:#182635;--train:#7e8c99;--valid:#7db8ea;"
    "--s1:#7db8ea;--s2:#ef9f5a;--s3:#56c8a5;--s4:#dd8fd2;--s5:#cfc053;--s6:#9cd3f5;--h0:#1b2530;--h1:#1e2c3a;"
    "--h2:#213446;--h3:#253e55;--h4:#2a4966;--h5:#305678;--h6:#5a8db9;--h7:#6b9bc4;--h8:#7eaacf;--h9:#94bbdb;"
    "--h10:#adcde7;--hlo:#dbe5ee;--hhi:#07121c;--p1:#1b2d40;--p2:#214668;--p3:#2a6394;--q1:#38291b;--q2:#573a1c;"
    "--q3:#7d4f20}}\n",
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 ui-sans-serif,system-ui,-apple-system,"
    "\"Segoe UI\",Roboto,\"Helvetica Neue\",\"Noto Sans\",\"DejaVu Sans\",sans-serif;"
    "font-variant-numeric:tabular-nums}\n"
    "main,header,footer{max-width:1080px;margin:0 auto;padding:0 28px}\n",
    "header{padding-top:52px}.eyebrow{margin:0;color:var(--accent);font-size:13px;font-weight:600;letter-spacing:.08em;"
    "text-transform:uppercase}h1{margin:4px 0 6px;font-size:38px;line-height:1.15;letter-spacing:-.015em;"
    "font-weight:680;overflow-wrap:anywhere}.sub{margin:0;color:var(--muted);font-size:14px;overflow-wrap:anywhere}\n"
    "h2{margin:64px 0 4px;padding-top:18px;border-top:1px solid var(--rule);font-size:23px;line-height:1.3;"
    "letter-spacing:-.01em;font-weight:640;overflow-wrap:anywhere}h3{margin:30px 0 6px;font-size:16px;font-weight:640;"
    "overflow-wrap:anywhere}p{margin:10px 0;max-width:74ch}a{color:var(--accent)}\n",
    "nav{display:flex;flex-wrap:wrap;gap:2px 18px;margin:26px 0 0;padding:10px 0;border:solid var(--rule);"
    "border-width:1px 0;font-size:14px}nav a{color:var(--muted);text-decoration:none}nav a:hover{color:var(--accent)}\n",
    ".verdict{margin:30px 0 0}.lead{margin:0 0 18px;font-size:19px;line-height:1.5;max-width:66ch;overflow-wrap:anywhere}"
    ".facts{display:flex;flex-wrap:wrap;gap:14px 44px;margin:0;padding:0}.facts div{min-width:96px}"
    ".facts dt{color:var(--muted);font-size:13px}.facts dd{margin:0;font-size:25px;line-height:1.25;font-weight:620;"
    "letter-spacing:-.01em;overflow-wrap:anywhere}.facts small{display:block;color:var(--muted);font-size:13px;"
    "font-weight:400;letter-spacing:0}\n",
    ".warning,.remark{margin:14px 0;padding:9px 14px;border-left:3px solid var(--warn);background:var(--warnbg);"
    "font-size:14.5px;max-width:none;overflow-wrap:anywhere}.remark{border-color:var(--rule);background:var(--soft)}"
    ".warning b{color:var(--warn)}\n",
    ".scroll{overflow-x:auto;margin:14px 0 6px;-webkit-overflow-scrolling:touch}"
    "table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.4}"
    "th{padding:6px 14px 6px 0;border-bottom:1.5px solid var(--ink);text-align:left;font-weight:600;"
    "vertical-align:bottom}td{padding:6px 14px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}"
    "th.n,td.n{text-align:right;white-space:nowrap}th.n{white-space:normal}td.w{min-width:12ch;max-width:34ch;"
    "overflow-wrap:anywhere}td.t{min-width:26ch;overflow-wrap:anywhere;white-space:pre-line}th:last-child,td:last-child{padding-right:6px}"
    "th:first-child,td:first-child{padding-left:6px}.settings{font-size:13.5px}.settings td.w:first-child{min-width:14ch}.settings td.w:nth-child(2){min-width:17ch}.worst td.w:first-child{min-width:19ch}tr.best td{background:var(--best);font-weight:600}"
    ".ci{color:var(--muted);font-weight:400}.scores td.w:first-child{min-width:15ch}.scores th,.scores td{padding-right:9px}.scores .ci,.folds .ci,.settings .ci{display:block;font-size:12.5px}.note{margin:4px 0 0;color:var(--muted);font-size:13px;max-width:112ch;"
    "overflow-wrap:anywhere}\n",
    "figure{margin:20px 0 8px;min-width:0}figcaption{margin-top:4px;color:var(--muted);font-size:13px;max-width:112ch;"
    "overflow-wrap:anywhere}.plot{overflow-x:auto}.plot svg{display:block;width:100%;height:auto;"
    "font-family:inherit;color:var(--ink)}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,"
    "100%),1fr));gap:0 40px;align-items:start}\n",
    ".p1,.p2,.p3{background:var(--p1);text-decoration:underline 1px;text-underline-offset:3px}.p2{background:var(--p2);"
    "text-decoration-thickness:2px}.p3{background:var(--p3);text-decoration-thickness:3px}.q1,.q2,.q3{background:var(--q1);"
    "text-decoration:underline dashed 1px;text-underline-offset:3px}.q2{background:var(--q2);text-decoration-thickness:2px}"
    ".q3{background:var(--q3);text-decoration-thickness:3px}\n",
    "details{margin:12px 0}summary{cursor:pointer;color:var(--accent);font-size:14px}"
    "code,pre{font:13px/1.5 ui-monospace,\"SF Mono\",\"Cascadia Mono\",Menlo,\"DejaVu Sans Mono\",monospace}"
    "pre{margin:12px 0;padding:12px 16px;background:var(--soft);overflow-x:auto;white-space:pre-wrap;"
    "overflow-wrap:anywhere}.bar{display:inline-block;height:9px;margin-right:8px;background:var(--h5);"
    "vertical-align:baseline}.manifest td:last-child{font:12.5px/1.5 ui-monospace,Menlo,\"DejaVu Sans Mono\",monospace}"
    "footer{margin-top:64px;padding-top:16px;padding-bottom:40px;color:var(--muted);font-size:13px}\n",
    "@media screen and (max-width:1100px){table{font-size:13px}.scores th,.scores td,.folds th,.folds td{padding-right:8px}"
    ".settings{font-size:12.5px}.settings th,.settings td{padding-right:7px}.scores .ci,.folds .ci,.settings .ci{"
    "font-size:11.5px;white-space:normal}.scores td.w:first-child{min-width:11ch}.settings td.w:first-child{min-width:9ch}.worst td.w:first-child{min-width:12ch}"
    ".settings td.w:nth-child(2){min-width:13ch}}\n",
    "@media (max-width:640px){body{font-size:15.5px}main,header,footer{padding-left:16px;padding-right:16px}"
    "header{padding-top:28px}h1{font-size:29px}h2{margin-top:44px;font-size:20px}.lead{font-size:17px}"
    ".facts{gap:12px 28px}.facts dd{font-size:21px}table{font-size:13px}th,td{padding-right:10px}.ci{display:block;"
    "font-size:12px}td.w{min-width:9ch}"
    ".stack thead{display:none}.stack tr{display:block;padding:8px 0;border-bottom:1px solid var(--rule)}"
    ".stack td,.stack td.n,.stack td.t,.stack td.w{display:block;min-width:0;max-width:none;padding:2px 0;border:0;text-align:left;"
    "white-space:pre-line}.stack td:empty{display:none}.stack td::before{content:attr(data-label) \": \";color:var(--muted)}}\n",
    "@media print{:root{color-scheme:light;" LIGHT_COLOURS
    "}@page{margin:16mm 14mm}body{font-size:10.5pt}nav{display:none}"
    "main,header,footer{max-width:none;padding-left:0;padding-right:0}header{padding-top:0}h2{margin-top:26px;"
    "break-after:avoid}h3,summary{break-after:avoid}figure,tr,.verdict{break-inside:avoid}table{font-size:8.5pt}"
    ".scroll,.plot{overflow:visible}.plot svg{min-width:0;max-height:90mm}td.n{white-space:normal}"
    ".pair{grid-template-columns:1fr 1fr;gap:0 24px}details::details-content{content-visibility:visible}"
    "*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n",
    NULL,
};
