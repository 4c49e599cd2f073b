# The same domains as providerProgram.ts, for Terraform and OpenTofu.
terraform {
  required_providers {
    libvirt = {
      source  = "registry.terraform.io/dmacvicar/libvirt"
      version = "0.8.3"
    }
  }
}

locals {
  guests = { for guest in jsondecode(file("${path.module}/values.json")) : guest.spec.name => guest }
}

provider "libvirt" {
  uri = "qemu:///system"
}

resource "libvirt_domain" "guest" {
  for_each = local.guests

  name      = each.value.spec.name
  type      = each.value.spec.type
  machine   = "q35"
  memory    = each.value.spec.memoryMiB
  vcpu      = each.value.spec.vcpus
  running   = true
  autostart = false

  boot_device {
    dev = ["hd"]
  }
  disk {
    volume_id = each.value.spec.disk
  }
  disk {
    file = each.value.spec.seed
  }
  filesystem {
    source     = each.value.spec.share.path
    target     = each.value.spec.share.tag
    accessmode = "mapped"
    readonly   = false
  }
  console {
    type        = "pty"
    target_port = "0"
    target_type = "serial"
  }
  graphics {
    type           = "spice"
    autoport       = false
    listen_type    = "address"
    listen_address = "127.0.0.1"
  }
  video {
    type = "qxl"
  }
  # The provider has no attributes for video memory, the port, channels, inputs and forwards.
  xml {
    xslt = each.value.xslt
  }
}
