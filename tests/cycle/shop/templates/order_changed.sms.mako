Order ${order_id} is ${status}: ${total | cents}
