${title}

Dear ${name},

${body}

This week in ${city} it costs ${price | money}.
You get this letter as a reader in ${city}.
