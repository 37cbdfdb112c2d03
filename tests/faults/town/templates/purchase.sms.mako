Purchase ${purchase_id} is ${status}
