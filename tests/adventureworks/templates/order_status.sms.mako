Order ${order_id} (${vendor_name}) is ${status_name}: ${total_due | cents}
