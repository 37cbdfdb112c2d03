<%def name="subject()">${title}: news from ${city}</%def>\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<style>
body { margin: 0; background: #f4f1ea; font-family: Georgia, serif; }
.page { max-width: 560px; margin: 0 auto; background: #ffffff; }
.head { padding: 24px; color: #ffffff; background: #23424a; }
.text { padding: 0 24px; line-height: 1.5; color: #222222; }
.price { font-size: 20px; font-weight: bold; color: #8a3b12; }
.foot { padding: 24px; font-size: 12px; color: #777777; }
</style>
</head>
<body>
<div class="page">
<div class="head"><h1>${title}</h1></div>
<p class="text">Dear ${name},</p>
<p class="text">${body}</p>
<p class="text">This week in ${city} it costs <span class="price">${price | money}</span>.</p>
% for number in range(1, 4):
<p class="text">Offer ${number} for ${name}: ${body}</p>
% endfor
<p class="foot">You get this letter as a reader in ${city}.</p>
</div>
</body>
</html>
